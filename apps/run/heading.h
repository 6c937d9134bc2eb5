#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/config_table.h"
#include "apps/run/page.h"

namespace minissl {

/// The spelling that papers use for a lower-case name from a flag: "ResNet-18" for "resnet18".
std::string proper_name(const std::string& name);

/// "MoCo v2 · ResNet-18" from the configuration; "Training run" if it has neither.
std::string run_title(const std::vector<ConfigGroup>& config);

/// Adds the page's title, with the kind of page above it and the main settings below.
void add_heading(Page& page, std::string_view kind, std::string_view title, const std::vector<ConfigGroup>& config);

/// Begins the section on collapse metrics, for one run or several.
void begin_spread_section(Page& page);

}  // namespace minissl
