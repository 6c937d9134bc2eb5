#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <regex>
#include <set>
#include <sstream>

#include "tests/samples/registry.h"

/// Reads the headers, so that nothing they declare goes untested.
namespace minissl::samples {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

template <class F>
void for_each_match(const std::string& text, const char* pattern, F&& f) {
  const std::regex expression(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it) f(*it);
}

// The names of the operations and of the functions on tensors. An element-wise function declares two operations: itself
// and its gradient.
std::set<std::string> declared_operations() {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(MINISSL_SOURCE_DIR) / "tensor/ops")) {
    if (entry.path().extension() != ".h") continue;
    const std::string text = text_of(entry.path());
    const bool elementwise = entry.path().filename() == "functions.h";
    for_each_match(text, R"re(static constexpr const char\* name = "(\w+)";)re", [&](const std::smatch& m) {
      names.insert(m[1]);
      if (elementwise) names.insert(m[1].str() + "_gradient");
    });
    for_each_match(text, R"re((^|[^>]\n)(Tensor|double) (\w+)\()re", [&](const std::smatch& m) { names.insert(m[3]); });
  }
  return names;
}

// "const Variable& x, double factor" to "Variable, double"
std::string types_of(const std::string& parameters) {
  std::string types;
  for_each_match(parameters, R"re((?:const )?(\w+)&? \w+)re",
                 [&](const std::smatch& m) { types += (types.empty() ? "" : ", ") + m[1].str(); });
  return types;
}

// The functions on Variables; operators with the types they take, since they are overloaded.
std::set<std::string> declared_functions() {
  std::set<std::string> names;
  for_each_match(
      text_of(fs::path(MINISSL_SOURCE_DIR) / "autograd/functions.h"),
      R"re((?:^|\n)(?:inline )?(?:Variable|BatchNormResult|DiagonalDistance|InfoNce|SelfDistillation) (operator.|\w+)\(([^)]*)\))re",
      [&](const std::smatch& m) {
        const std::string name = m[1];
        names.insert(name.starts_with("operator") ? name + "(" + types_of(m[2]) + ")" : name);
      });
  return names;
}

TEST(Completeness, EveryOperationHasSamples) {
  std::set<std::string> sampled;
  for (const Sample& s : all_samples()) sampled.insert(s.operation);
  const std::set<std::string> declared = declared_operations();
  EXPECT_GE(declared.size(), 40u) << "the headers of tensor/ops/ are read wrongly";
  for (const std::string& name : declared)
    EXPECT_TRUE(sampled.count(name)) << name << " is declared in tensor/ops/ but has no sample in tests/samples/";
}

TEST(Completeness, EveryFunctionHasAGradientSample) {
  std::set<std::string> sampled;  // with a form or, by EverySampleIsWellFormed, with a reason to have none
  for (const Sample& s : all_samples())
    if (!s.function.empty()) sampled.insert(s.function);
  const std::set<std::string> declared = declared_functions();
  EXPECT_GE(declared.size(), 25u) << "autograd/functions.h is read wrongly";
  for (const std::string& name : declared)
    EXPECT_TRUE(sampled.count(name)) << name << " is declared in autograd/functions.h but has no sample";
  for (const std::string& name : sampled)
    EXPECT_TRUE(declared.count(name)) << name << " has samples but is not declared in autograd/functions.h";
}

TEST(Completeness, EverySampleIsWellFormed) {
  std::set<std::string> names;
  for (const Sample& s : all_samples()) {
    EXPECT_TRUE(names.insert(full_name(s)).second) << full_name(s) << " is there twice";
    EXPECT_TRUE(s.run || s.form) << full_name(s) << " does nothing";
    EXPECT_NE(static_cast<bool>(s.form), !s.no_derivative.empty())
        << full_name(s) << " needs either a differentiable form or a reason to have none";
    if (s.form) {
      EXPECT_FALSE(s.function.empty()) << full_name(s);
      EXPECT_EQ(s.differentiable.size(), draw(s, DType::f64).size()) << full_name(s);
    }
  }
}

}  // namespace
}  // namespace minissl::samples
