#pragma once
#include "formats/safetensors.h"
#include "nn/module.h"

/// Modules' states in files, where PyTorch's layouts and names rule.
namespace minissl {

/// A module's state as it is written to files (convolution weights OIHW). Tensors are copies where the layout changes.
NamedTensors file_tensors(Module& module, const std::string& prefix = "");
/// A tensor of the engine's layout in the file's, and back.
Tensor to_file_layout(const Tensor& tensor, FileLayout layout);
Tensor from_file_layout(const Tensor& tensor, FileLayout layout);

/// Overwrites a module's state from a file, where its names begin with `file_prefix`. Floating types are converted.
/// Throws Error naming file and tensor when one is missing or has another shape; nothing is changed then.
/// Tensors of the file that the module doesn't know are left alone.
void load_state(Module& module, const SafetensorsReader& file, const std::string& file_prefix = "");

}  // namespace minissl
