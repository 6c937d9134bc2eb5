#pragma once
#include <string>
#include <vector>

#include "ssl/step/step_graph.h"

/// Draws the graph of a training step: operations as boxes ordered by depth, parts of the backbone in frames, and a bar
/// in each box for the bytes that it keeps.
namespace minissl {

/// The position of an operation: the row is its distance from the images, and each branch has its own lane.
struct GraphPlace {
  int row = 0, lane = 0;
};
std::vector<GraphPlace> place_graph(const std::vector<StepOperation>& operations);

/// An SVG document with `title` at the top.
std::string graph_svg(const std::string& title, const std::vector<StepOperation>& operations);
/// A graph for Graphviz, with parts as clusters.
std::string graph_dot(const std::string& title, const std::vector<StepOperation>& operations);

}  // namespace minissl
