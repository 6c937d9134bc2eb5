#pragma once
#include <functional>
#include <map>
#include <string>

#include "apps/flags.h"
#include "tensor/options.h"

/// Converts options of methods, backbones and optimizers to flags and to text.
namespace minissl {

/// Calls visit(OptionVisitor&) of any object with options.
using Visit = std::function<void(OptionVisitor&)>;

/// Adds a flag for each option. If a command already has a flag of that name (inspect step's --weights is a file), the
/// option's flag gets the prefix "loss-".
/// The flags' names start with `prefix`, and `given` receives the options that are given.
void add_option_flags(CLI::App& command, const Visit& visit, const std::string& prefix = {},
                      std::set<std::string>* given = nullptr);

/// The options' values by name.
std::map<std::string, std::string> option_texts(const Visit& visit);
/// Sets the named options. Throws Error, starting with `where`, for an invalid value.
void set_options(const Visit& visit, const std::map<std::string, std::string>& texts, const std::string& where);

}  // namespace minissl
