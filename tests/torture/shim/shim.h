#pragma once
#include <cstddef>

#include "tests/torture/shim/record.h"

/// Internal to the shim. It is loaded before everything else and replaces functions of the C library, also those that
/// C++ needs for itself. So it is written as C would be: no exception, no allocation, no object with a destructor.
namespace minissl::faults {

/// Null unless a record was given and main() has begun: what happens before that is the loader's and can't be handled.
Record* record();
/// An environment variable; null if unset or empty.
const char* setting(const char* name);
long number_setting(const char* name);

/// Kills this process at once: nothing is flushed, no destructor runs.
[[noreturn]] void die();

/// Whether this allocation fails.
bool allocation_fails();

/// Whether this path is at or below the folder whose operations are counted.
bool is_below(const char* path);

}  // namespace minissl::faults

/// Marks a function of the C library that the shim replaces.
#define MINISSL_REPLACES extern "C" __attribute__((visibility("default")))
