// The element-wise operations that have a kernel, or, without a CUDA toolkit, none: instances of kernel(Cuda, Op),
// which whoever includes this has just defined. Within namespace minissl::ops.
template void kernel(Cuda, const Unary<Relu>&);
template void kernel(Cuda, const Unary<Sqrt>&);
template void kernel(Cuda, const Unary<Square>&);
template void kernel(Cuda, const Unary<Affine>&);
template void kernel(Cuda, const UnaryGradient<Relu>&);
template void kernel(Cuda, const UnaryGradient<Sqrt>&);
template void kernel(Cuda, const UnaryGradient<Square>&);
template void kernel(Cuda, const UnaryGradient<Affine>&);
template void kernel(Cuda, const Binary<Add>&);
template void kernel(Cuda, const Binary<Subtract>&);
template void kernel(Cuda, const Binary<Multiply>&);
template void kernel(Cuda, const BinaryGradient<Add>&);
template void kernel(Cuda, const BinaryGradient<Subtract>&);
template void kernel(Cuda, const BinaryGradient<Multiply>&);
