#include "nn/module.h"

namespace minissl {
namespace {

std::string join(const std::string& path, const std::string& name) {
  if (path.empty() || name.empty()) return path + name;
  return path + "." + name;
}

}  // namespace

void StateEntry::set_tensor(Tensor tensor) const {
  if (parameter)
    parameter->set_value(std::move(tensor));
  else
    *buffer = std::move(tensor);
}

void Module::for_each_module(const std::string& path, const std::function<void(Module&, const std::string&)>& f) {
  f(*this, path);
  for (const Child& child : children_) child.module->for_each_module(join(path, child.name), f);
}

std::vector<StateEntry> Module::state(const std::string& prefix) {
  std::vector<StateEntry> all;
  for_each_module(prefix, [&](Module& module, const std::string& path) {
    for (StateEntry entry : module.own_) {
      entry.name = join(path, entry.name);
      all.push_back(std::move(entry));
    }
  });
  return all;
}

std::vector<StateEntry> Module::parameters(const std::string& prefix) {
  std::vector<StateEntry> all = state(prefix);
  std::erase_if(all, [](const StateEntry& e) { return e.parameter == nullptr; });
  return all;
}

int64_t Module::parameter_count() {
  int64_t count = 0;
  for (const StateEntry& e : parameters()) count += e.tensor().numel();
  return count;
}

void Module::train(bool on) {
  training_ = on;
  for (const Child& child : children_) child.module->train(on);
}

void Module::to(DType dtype) {
  for (const StateEntry& e : state())
    if (is_floating(e.tensor().dtype())) e.set_tensor(e.tensor().to(dtype));
}

void Module::initialize(uint64_t seed, const std::string& prefix) {
  for_each_module(prefix, [seed](Module& module, const std::string& path) { module.initialize_own(seed, path); });
}

void Module::add_parameter(std::string name, Variable& parameter, FileLayout layout,
                           std::shared_ptr<ConvertedCopy>* converted) {
  own_.push_back({std::move(name), &parameter, nullptr, layout, converted});
}

void Module::add_buffer(std::string name, Tensor& buffer, FileLayout layout) {
  own_.push_back({std::move(name), nullptr, &buffer, layout});
}

void Module::add_child(std::string name, Module& child) { children_.push_back({std::move(name), &child}); }

}  // namespace minissl
