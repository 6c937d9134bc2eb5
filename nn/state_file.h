#pragma once
#include "formats/safetensors.h"
#include "nn/module.h"

/// Modules' states in files, which use PyTorch's layouts and names.
namespace minissl {

/// A module's state in file layout (convolution weights OIHW). Tensors are copies if the layout differs.
NamedTensors file_tensors(Module& module, const std::string& prefix = "");
/// Converts a tensor from the engine's layout to the file's, and back.
Tensor to_file_layout(const Tensor& tensor, FileLayout layout);
Tensor from_file_layout(const Tensor& tensor, FileLayout layout);

/// Throws Error naming file and tensor if the file, in which the module's names begin with `file_prefix`, lacks a
/// tensor of the module's state or has it in another shape. Needs the header only; the module may be one of a dry run.
void require_state_fits(Module& module, const SafetensorsReader& file, const std::string& file_prefix = "");

/// Overwrites a module's state from a file that fits it. Floating types are converted. If the file doesn't fit or is
/// damaged, throws Error naming file and tensor, and changes nothing. Tensors in the file that the module doesn't have
/// are ignored.
void load_state(Module& module, const SafetensorsReader& file, const std::string& file_prefix = "");

}  // namespace minissl
