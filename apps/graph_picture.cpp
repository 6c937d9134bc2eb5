#include "apps/graph_picture.h"

#include <algorithm>
#include <fmt/ranges.h>
#include <limits>
#include <set>

#include "apps/run/html.h"

namespace minissl {
namespace {

constexpr int box_width = 250, box_height = 40, row_height = 66, lane_width = 290, margin = 40, title_height = 40;

struct Box {
  int left = 0, top = 0, right = 0, bottom = 0;
};

Box box_at(const GraphPlace& place) {
  const int left = margin + place.lane * lane_width, top = margin + title_height + place.row * row_height;
  return {left, top, left + box_width, top + box_height};
}

// Consecutive operations of one part in one view.
struct Part {
  size_t first = 0, end = 0;
};

std::vector<Part> parts_of(const std::vector<StepOperation>& operations) {
  std::vector<Part> parts;
  for (size_t i = 0; i < operations.size(); ++i) {
    if (operations[i].part.empty()) continue;
    const bool goes_on = !parts.empty() && parts.back().end == i && operations[i - 1].part == operations[i].part &&
                         operations[i - 1].view == operations[i].view;
    if (!goes_on) parts.push_back({i, i});
    parts.back().end = i + 1;
  }
  return parts;
}

std::string frame(const std::vector<StepOperation>& operations, const std::vector<GraphPlace>& places,
                  const Part& part) {
  Box frame = box_at(places[part.first]);
  for (size_t i = part.first; i < part.end; ++i) {
    const Box box = box_at(places[i]);
    frame = {std::min(frame.left, box.left), std::min(frame.top, box.top), std::max(frame.right, box.right),
             std::max(frame.bottom, box.bottom)};
  }
  const StepOperation& first = operations[part.first];
  return fmt::format(
      R"(<rect class="part" x="{}" y="{}" width="{}" height="{}" rx="8"/><text class="part" x="{}" y="{}">view {} {}</text>)"
      "\n",
      frame.left - 12, frame.top - 18, frame.right - frame.left + 24, frame.bottom - frame.top + 22, frame.left - 4,
      frame.top - 6, first.view, escape_html(first.part));
}

// Routes around the boxes in the way, if any.
std::string edge(const Box& from, const Box& to, bool in_the_way) {
  const int x0 = (from.left + from.right) / 2, x1 = (to.left + to.right) / 2, half = row_height / 2;
  if (!in_the_way)
    return fmt::format("<path d=\"M{} {}C{} {} {} {} {} {}\"/>\n", x0, from.bottom, x0, from.bottom + half, x1,
                       to.top - half, x1, to.top);
  const int start = x0 + box_width / 4, aside = from.right + 14;
  return fmt::format("<path d=\"M{0} {1}C{0} {2} {3} {1} {3} {2}V{4}C{3} {5} {0} {4} {0} {5}\"/>\n", start, from.bottom,
                     from.bottom + half, aside, to.top - half, to.top);
}

std::string in_words(const StepOperation& operation) {
  return operation.kept > 0 ? "keeps " + format_bytes(operation.kept) : "keeps nothing";
}

// Below what an operation reads. What depends on parameters alone would begin at the top; it is put directly above what
// reads it.
std::vector<int> rows_of(const std::vector<StepOperation>& operations) {
  const size_t count = operations.size();
  std::vector<int> rows(count), latest(count, std::numeric_limits<int>::max());
  for (size_t i = 0; i < count; ++i)
    for (const size_t input : operations[i].inputs) rows[i] = std::max(rows[i], rows[input] + 1);
  // The last rows that leave all others where they are.
  for (size_t i = count; i-- > 0;) {
    if (latest[i] == std::numeric_limits<int>::max()) latest[i] = rows[i];
    for (const size_t input : operations[i].inputs) latest[input] = std::min(latest[input], latest[i] - 1);
  }
  std::vector<bool> movable(count);
  for (size_t i = 0; i < count; ++i) {
    const std::vector<size_t>& inputs = operations[i].inputs;
    movable[i] = latest[i] > rows[i] && std::all_of(inputs.begin(), inputs.end(), [&](size_t k) { return movable[k]; });
  }
  std::vector<int> above(count, std::numeric_limits<int>::max());  // the first row that reads it
  for (size_t i = count; i-- > 0;) {
    if (movable[i]) rows[i] = above[i] - 1;
    for (const size_t input : operations[i].inputs) above[input] = std::min(above[input], rows[i]);
  }
  return rows;
}

}  // namespace

std::vector<GraphPlace> place_graph(const std::vector<StepOperation>& operations) {
  std::vector<GraphPlace> places(operations.size());
  const std::vector<int> rows = rows_of(operations);
  std::vector<bool> continued(operations.size());
  std::set<std::pair<int, int>> taken;  // rows and lanes
  std::vector<int> last_row;            // of each lane
  for (size_t i = 0; i < operations.size(); ++i) {
    GraphPlace& place = places[i];
    const std::vector<size_t>& inputs = operations[i].inputs;
    place.row = rows[i];
    const size_t* before = nullptr;
    for (const size_t& input : inputs)
      if (!continued[input] && !taken.contains({place.row, places[input].lane}) &&
          (before == nullptr || places[input].lane < places[*before].lane))
        before = &input;
    if (before != nullptr) {
      place.lane = places[*before].lane;
      continued[*before] = true;
    } else {
      const auto free = std::find_if(last_row.begin(), last_row.end(), [&](int row) { return row < place.row; });
      place.lane = static_cast<int>(free - last_row.begin());
      if (free == last_row.end()) last_row.push_back(-1);
    }
    taken.emplace(place.row, place.lane);
    int& last = last_row[static_cast<size_t>(place.lane)];
    last = std::max(last, place.row);
  }
  return places;
}

std::string graph_svg(const std::string& title, const std::vector<StepOperation>& operations) {
  const std::vector<GraphPlace> places = place_graph(operations);
  int rows = 0, lanes = 0;
  int64_t most = 1;
  for (const GraphPlace& place : places) rows = std::max(rows, place.row + 1), lanes = std::max(lanes, place.lane + 1);
  for (const StepOperation& operation : operations) most = std::max(most, operation.kept);
  const int width = 2 * margin + lanes * lane_width, height = 2 * margin + title_height + rows * row_height;
  std::string svg =
      fmt::format(R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}">
<style>
svg {{ background: #fff; font: 12px sans-serif; }}
rect.part {{ fill: #f3f5f9; stroke: #d5dbe6; }}
text.part {{ fill: #6b7688; font-size: 11px; }}
rect.box {{ fill: #fff; stroke: #55627a; }}
rect.kept {{ fill: #d9822b; }}
path {{ fill: none; stroke: #9aa5b8; stroke-width: 1.5; }}
text.small {{ fill: #55627a; font-size: 11px; }}
text.title {{ font-size: 16px; }}
</style>
<text class="title" x="{2}" y="{2}">{3}</text>
)",
                  width, height, margin, escape_html(title));
  for (const Part& part : parts_of(operations)) svg += frame(operations, places, part);
  const auto stands_between = [&](const GraphPlace& from, const GraphPlace& to) {
    return from.lane == to.lane && std::any_of(places.begin(), places.end(), [&](const GraphPlace& place) {
             return place.lane == from.lane && place.row > from.row && place.row < to.row;
           });
  };
  for (size_t i = 0; i < operations.size(); ++i)
    for (const size_t input : operations[i].inputs)
      svg += edge(box_at(places[input]), box_at(places[i]), stands_between(places[input], places[i]));
  for (size_t i = 0; i < operations.size(); ++i) {
    const StepOperation& operation = operations[i];
    const Box box = box_at(places[i]);
    svg += fmt::format(R"(<g><title>{}</title><rect class="box" x="{}" y="{}" width="{}" height="{}" rx="4"/>)",
                       escape_html(fmt::format("{}\nreads {}", operation.name, fmt::join(operation.parameters, ", "))),
                       box.left, box.top, box_width, box_height);
    if (operation.kept > 0)
      svg += fmt::format(R"(<rect class="kept" x="{}" y="{}" width="{:.1f}" height="4"/>)", box.left, box.bottom - 4,
                         static_cast<double>(operation.kept) / static_cast<double>(most) * box_width);
    svg += fmt::format(R"(<text x="{}" y="{}">{} {}</text><text class="small" x="{}" y="{}">{}</text></g>)"
                       "\n",
                       box.left + 8, box.top + 16, escape_html(operation.name), operation.shape.str(), box.left + 8,
                       box.top + 31, in_words(operation));
  }
  return svg + "</svg>\n";
}

std::string graph_dot(const std::string& title, const std::vector<StepOperation>& operations) {
  std::string dot = fmt::format("digraph step {{\n  label=\"{}\"; labelloc=t; node [shape=box];\n", title);
  for (size_t i = 0; i < operations.size(); ++i) {
    const StepOperation& operation = operations[i];
    dot += fmt::format("  {} [label=\"{} {}\\n{}\", tooltip=\"{}\"];\n", i, operation.name, operation.shape.str(),
                       in_words(operation), fmt::join(operation.parameters, "\\n"));
    for (const size_t input : operation.inputs) dot += fmt::format("  {} -> {};\n", input, i);
  }
  for (const Part& part : parts_of(operations)) {
    dot += fmt::format("  subgraph cluster_{} {{ label=\"view {} {}\";", part.first, operations[part.first].view,
                       operations[part.first].part);
    for (size_t i = part.first; i < part.end; ++i) dot += fmt::format(" {};", i);
    dot += " }\n";
  }
  return dot + "}\n";
}

}  // namespace minissl
