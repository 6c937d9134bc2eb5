// Instances of kernel(Cuda, Op) for all element-wise operations. Included within namespace minissl::ops after the
// template's definition: the real one (elementwise.cu), or, without a CUDA toolkit, one that throws (absent.cpp).
template void kernel(Cuda, const Unary<Relu>&);
template void kernel(Cuda, const Unary<Relu6>&);
template void kernel(Cuda, const Unary<Sqrt>&);
template void kernel(Cuda, const Unary<Square>&);
template void kernel(Cuda, const Unary<Gelu>&);
template void kernel(Cuda, const Unary<Affine>&);
template void kernel(Cuda, const UnaryGradient<Relu>&);
template void kernel(Cuda, const UnaryGradient<Relu6>&);
template void kernel(Cuda, const UnaryGradient<Sqrt>&);
template void kernel(Cuda, const UnaryGradient<Square>&);
template void kernel(Cuda, const UnaryGradient<Gelu>&);
template void kernel(Cuda, const UnaryGradient<Affine>&);
template void kernel(Cuda, const Binary<Add>&);
template void kernel(Cuda, const Binary<Subtract>&);
template void kernel(Cuda, const Binary<Multiply>&);
template void kernel(Cuda, const BinaryGradient<Add>&);
template void kernel(Cuda, const BinaryGradient<Subtract>&);
template void kernel(Cuda, const BinaryGradient<Multiply>&);
