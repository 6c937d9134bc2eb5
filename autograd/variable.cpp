#include "autograd/variable.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "autograd/graph.h"
#include "autograd/recompute.h"
#include "tensor/dry_run.h"
#include "tensor/ops/update.h"

namespace minissl {
namespace {

std::atomic<uint64_t> next_sequence{1};

std::shared_ptr<Node> new_node(const Shape& shape) {
  auto node = std::make_shared<Node>();
  node->sequence = next_sequence++;
  node->shape = shape;
  return node;
}

// sum += addend, in place only if the bytes are not shared: a derivative may return one tensor for several inputs.
void add_to(Tensor& sum, Tensor addend) {
  if (!sum.defined()) {
    sum = std::move(addend);
    return;
  }
  if (!sum.unique()) sum = sum.clone();
  run(ops::Accumulate{sum.view({sum.numel()}), addend.view({addend.numel()})});
}

void add_to_leaf(Node& leaf, const Tensor& gradient) {
  if (!leaf.grad.defined()) {
    const TagScope tag(MemoryTag::gradient);
    leaf.grad = gradient.clone();
  } else {
    run(ops::Accumulate{leaf.grad.view({leaf.grad.numel()}), gradient.view({gradient.numel()})});
  }
}

// Saved parameters and data keep their tags.
void tag_saved(const std::vector<Saved>& saved) {
  for (const Saved& s : saved)
    if (s.kept().defined() && s.kept().storage()->tag() == MemoryTag::workspace)
      s.kept().storage()->retag(MemoryTag::saved);
}

struct Later {
  bool operator()(const std::shared_ptr<Node>& a, const std::shared_ptr<Node>& b) const {
    return a->sequence > b->sequence;
  }
};

}  // namespace

Variable Variable::leaf(Tensor value) {
  Variable v(std::move(value));
  v.node_ = new_node(v.shape());
  v.node_->is_leaf = true;
  return v;
}

const Tensor& Variable::grad() const {
  require(node_ && node_->is_leaf, "only a leaf that requires a gradient has one");
  return node_->grad;
}

void Variable::set_grad(Tensor grad) {
  require(node_ && node_->is_leaf, "only a leaf that requires a gradient has one");
  require(!grad.defined() || grad.shape() == shape(), "gradient {} for a leaf {}", grad, value_);
  node_->grad = std::move(grad);
}

void Variable::recompute_by(Recompute lifetime, std::vector<Saved> inputs, Recipe recipe) {
  if (!requires_grad()) return;
  tag_saved(inputs);
  recomputed_ = std::make_shared<Recomputed>(value_, lifetime, std::move(inputs), std::move(recipe));
}

void Variable::offer_recipe(std::vector<Saved> inputs, Recipe recipe) {
  // Outside a part an offer is never used, and it would keep its inputs alive.
  if (requires_grad() && node_->part >= 0)
    offer_ = std::make_shared<RecomputeOffer>(RecomputeOffer{std::move(inputs), std::move(recipe)});
}

Tensor BackwardContext::saved(size_t i) const { return node_.saved.at(i).get(node_.operation); }

bool BackwardContext::needs(size_t i) const { return node_.inputs.at(i) != nullptr; }

bool will_record(const std::vector<Variable>& inputs) {
  return !NoGradScope::active() &&
         std::any_of(inputs.begin(), inputs.end(), [](const Variable& v) { return v.requires_grad(); });
}

Variable record(const char* operation, std::vector<Variable> inputs, Tensor output, std::vector<Saved> saved,
                Derivative derivative) {
  Variable result(std::move(output));
  if (!will_record(inputs)) return result;
  result.node_ = new_node(result.shape());
  Node& node = *result.node_;
  node.operation = operation;
  node.part = PartScope::index();
  for (const Variable& input : inputs) {
    node.inputs.push_back(input.node());
    if (node.part >= 0 && input.node() && input.node()->part == node.part) node.sources |= input.node()->sources;
  }
  tag_saved(saved);
  node.saved = std::move(saved);
  node.derivative = std::move(derivative);
  return result;
}

void backward(const Variable& root) {
  require(root.value().numel() == 1, "backward() needs a scalar, not {}", root.value());
  backward(root, Tensor::full(root.shape(), 1, root.value().dtype(), root.value().device()));
}

void backward(const Variable& root, const Tensor& cotangent) {
  require(root.requires_grad(), "backward(): nothing that the root depends on requires a gradient");
  require(cotangent.shape() == root.shape(), "backward(): cotangent {} for a root {}", cotangent, root.value());
  const NoGradScope no_grad_scope;
  // Latest first: a node is visited after everything computed from it.
  std::map<std::shared_ptr<Node>, Tensor, Later> pending;
  if (root.node()->is_leaf) return add_to_leaf(*root.node(), cotangent);
  pending[root.node()] = cotangent;
  while (!pending.empty()) {
    auto next = pending.extract(pending.begin());
    const std::shared_ptr<Node> node = next.key();
    const Tensor dy = std::move(next.mapped());
    require(!node->used, "{}: backward() has been through this graph before and has freed it", node->operation);
    if (DryRun* dry_run = DryRun::active()) dry_run->label(node->part, true);
    std::vector<Tensor> gradients = node->derivative(dy, BackwardContext(*node));
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      if (!node->inputs[i] || !gradients[i].defined()) continue;
      require(gradients[i].shape() == node->inputs[i]->shape, "{}: the gradient of input {} is {}, not {}",
              node->operation, i, gradients[i], node->inputs[i]->shape);
      Tensor gradient = std::exchange(gradients[i], {});
      // At once: held back until the end, gradients of parameters would be in memory twice.
      if (node->inputs[i]->is_leaf)
        add_to_leaf(*node->inputs[i], gradient);
      else
        add_to(pending[node->inputs[i]], std::move(gradient));
    }
    node->release();
  }
  if (DryRun* dry_run = DryRun::active()) dry_run->label(-1, false);
}

void side_effect(const std::function<void()>& effect) {
  if (!MutedEffectsScope::active()) effect();
}

// Destroying the last node of a long chain destroys all of them: iteratively, because recursion would overflow the
// stack, and in a list of the nodes themselves, because a destructor can't do without memory that it does not get.
Node::~Node() {
  std::shared_ptr<Node> open;
  const auto take = [&open](std::vector<std::shared_ptr<Node>>& nodes) {
    for (std::shared_ptr<Node>& node : nodes)
      if (node.use_count() == 1) {
        node->destroyed_next = std::move(open);
        open = std::move(node);
      } else {
        node.reset();  // null, or shared
      }
    nodes.clear();
  };
  for (take(inputs); open;) {
    const std::shared_ptr<Node> node = std::move(open);
    open = std::move(node->destroyed_next);
    take(node->inputs);
  }
}

std::vector<Tensor> Node::kept() const {
  std::vector<Tensor> tensors;
  std::set<const Recomputed*> seen;
  std::vector<const Saved*> open;
  const auto add = [&](const std::vector<Saved>& list) {
    for (const Saved& s : list) open.push_back(&s);
  };
  for (add(saved); !open.empty();) {
    const Saved& s = *open.back();
    open.pop_back();
    if (s.kept().defined()) tensors.push_back(s.kept());
    if (s.recomputed() && seen.insert(s.recomputed().get()).second) add(s.recomputed()->inputs());
  }
  return tensors;
}

void Node::release() {
  used = true;
  saved.clear();
  inputs.clear();
  derivative = nullptr;
}

std::vector<const Node*> graph_of(const Variable& root) {
  std::set<const Node*> seen;
  std::vector<const Node*> open;
  if (root.requires_grad()) open.push_back(root.node().get());
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    if (!seen.insert(node).second) continue;
    for (const auto& input : node->inputs)
      if (input) open.push_back(input.get());
  }
  std::vector<const Node*> nodes(seen.begin(), seen.end());
  std::sort(nodes.begin(), nodes.end(), [](const Node* a, const Node* b) { return a->sequence < b->sequence; });
  return nodes;
}

std::vector<std::pair<const Node*, int64_t>> kept_by_node(const Variable& root) {
  std::vector<std::pair<const Node*, int64_t>> all;
  std::set<const Storage*> seen;
  for (const Node* node : graph_of(root)) {
    int64_t bytes = 0;
    for (const Tensor& t : node->kept())
      if (t.storage()->tag() == MemoryTag::saved && seen.insert(t.storage().get()).second)
        bytes += static_cast<int64_t>(t.storage()->bytes());
    all.emplace_back(node, bytes);
  }
  return all;
}

}  // namespace minissl
