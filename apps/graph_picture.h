#pragma once
#include <string>
#include <vector>

#include "ssl/step/step_graph.h"

/// The graph of a training step as a picture: operations as boxes in the order of their depth, parts of the backbone
/// framed, a bar in each box for the bytes that it keeps.
namespace minissl {

/// Where an operation stands: rows are its distance from the images, and each branch has a lane of its own.
struct GraphPlace {
  int row = 0, lane = 0;
};
std::vector<GraphPlace> place_graph(const std::vector<StepOperation>& operations);

/// An SVG document, `title` above it.
std::string graph_svg(const std::string& title, const std::vector<StepOperation>& operations);
/// For Graphviz, parts as clusters.
std::string graph_dot(const std::string& title, const std::vector<StepOperation>& operations);

}  // namespace minissl
