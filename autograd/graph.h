#pragma once
#include <utility>

#include "autograd/variable.h"

namespace minissl {

/// A node of the graph: an applied operation or a leaf. It holds only the shape of its output; the value lives as long
/// as a Variable holds it or a derivative needs it (`saved`).
class Node {
 public:
  const char* operation = "leaf";
  uint64_t sequence = 0;                      ///< grows with every node: inputs come before outputs
  Shape shape;                                ///< of the output
  int part = -1;                              ///< of the network (recompute.h), or none
  uint32_t sources = 0;                       ///< products of that part from which it is computed (Product::sources)
  std::vector<std::shared_ptr<Node>> inputs;  ///< null for constants
  std::vector<Saved> saved;
  Derivative derivative;
  Tensor grad;  ///< leaves only
  bool is_leaf = false;
  bool used = false;                     ///< backward() has visited it and freed `saved`
  std::shared_ptr<Node> destroyed_next;  ///< only while nodes are destroyed

  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  /// The tensors that this node, possibly among others, keeps alive for backward: those it saved, and those needed to
  /// recompute the rest.
  std::vector<Tensor> kept() const;
  void release();
};

/// All nodes that `root` depends on, including itself, in the order of their creation.
std::vector<const Node*> graph_of(const Variable& root);

/// For each of these, the bytes it keeps (MemoryTag::saved); a tensor kept by several nodes counts for the first.
std::vector<std::pair<const Node*, int64_t>> kept_by_node(const Variable& root);

}  // namespace minissl
