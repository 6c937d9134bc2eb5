#pragma once
#include <utility>

#include "autograd/variable.h"

namespace minissl {

/// A node of the graph: an operation that was applied, or a leaf. Of its output only the shape is kept; values live
/// as long as somebody holds them, or because a derivative needs them (`saved`).
class Node {
 public:
  const char* operation = "leaf";
  uint64_t sequence = 0;                      ///< rises with every node made: inputs come before what is made of them
  Shape shape;                                ///< of the output
  int part = -1;                              ///< of the network (recompute.h), or none
  uint32_t sources = 0;                       ///< products of that part that it is computed from (Product::sources)
  std::vector<std::shared_ptr<Node>> inputs;  ///< null for constants
  std::vector<Saved> saved;
  Derivative derivative;
  Tensor grad;  ///< leaves only
  bool is_leaf = false;
  bool used = false;  ///< backward() has been here and freed what was saved

  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  /// The tensors that this node keeps alive for backward, alone or with others: those it saved, and those that it needs
  /// for recomputing the rest.
  std::vector<Tensor> kept() const;
  void release();
};

/// All nodes that `root` depends on, itself included, in the order they were made.
std::vector<const Node*> graph_of(const Variable& root);

/// For each of these the bytes that are kept because of it alone (MemoryTag::saved): what several nodes keep counts for
/// the first of them.
std::vector<std::pair<const Node*, int64_t>> kept_by_node(const Variable& root);

}  // namespace minissl
