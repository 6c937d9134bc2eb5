#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/config_table.h"
#include "apps/run/page.h"

namespace minissl {

/// How the papers write the names that flags write in lower case: "ResNet-18" for "resnet18".
std::string proper_name(const std::string& name);

/// "MoCo v2 · ResNet-18", of what the configuration says; "Training run" when it says neither.
std::string run_title(const std::vector<ConfigGroup>& config);

/// The page's title, what kind of page it is above it, and the main settings below.
void add_heading(Page& page, std::string_view kind, std::string_view title, const std::vector<ConfigGroup>& config);

/// Begins the section of the collapse metrics, of one run or several.
void begin_spread_section(Page& page);

}  // namespace minissl
