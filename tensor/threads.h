#pragma once
#include <functional>
#include <string>
#include <thread>

namespace minissl {

/// Starts a thread `purpose` ("to load images"). Throws Error if the system has none left for this process.
std::thread start_thread(const std::string& purpose, std::function<void()> f);

}  // namespace minissl
