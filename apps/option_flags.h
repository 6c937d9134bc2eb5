#pragma once
#include <functional>
#include <map>
#include <string>

#include "apps/flags.h"
#include "nn/options.h"

/// Options of methods, backbones and optimizers as flags, and as text.
namespace minissl {

/// Whatever has visit(OptionVisitor&).
using Visit = std::function<void(OptionVisitor&)>;

/// Adds a flag for each option. Where a command has a flag of that name already (inspect step's --weights is a file),
/// the option's begins with "loss-".
void add_option_flags(CLI::App& command, const Visit& visit);

/// The options' values by name.
std::map<std::string, std::string> option_texts(const Visit& visit);
/// Sets those that are named. Throws Error, which begins with `where`, for a text that is no such value.
void set_options(const Visit& visit, const std::map<std::string, std::string>& texts, const std::string& where);

}  // namespace minissl
