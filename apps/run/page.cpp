#include "apps/run/page.h"

#include <cmath>
#include <cstdlib>
#include <fmt/format.h>

#include "apps/run/assets.h"
#include "apps/run/html.h"

namespace minissl {
namespace {

/// Six digits are more than a chart can show and take a third of the bytes.
Json short_numbers(const std::vector<double>& values) {
  Json array = Json::array();
  for (double value : values)
    array.push_back(std::isfinite(value) ? Json(std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr)) : Json());
  return array;
}

Json to_json(const Chart& chart) {
  Json curves = Json::array();
  for (const Curve& curve : chart.curves) {
    Json json = {{"name", curve.name},         {"colour", curve.colour},
                 {"mark", curve.mark},         {"neutral", curve.colour == neutral_colour},
                 {"dashed", curve.dashed},     {"x", short_numbers(curve.x)},
                 {"y", short_numbers(curve.y)}};
    if (!curve.low.empty()) {
      json["low"] = short_numbers(curve.low);
      json["high"] = short_numbers(curve.high);
    }
    curves.push_back(std::move(json));
  }
  return {{"x_label", chart.x_label},
          {"from_zero", chart.from_zero},
          {"logarithmic", chart.logarithmic},
          {"curves", curves}};
}

}  // namespace

std::string element(std::string_view tag, std::string_view text) {
  return fmt::format("<{0}>{1}</{0}>", tag, escape_html(text));
}

void Page::begin_section(std::string_view id, std::string_view title, std::string_view lead) {
  add(fmt::format("<section aria-labelledby=\"{0}\"><h2 id=\"{0}\">{1}</h2>\n", id, escape_html(title)));
  if (!lead.empty()) add(fmt::format("<p class=\"lead\">{}</p>\n", escape_html(lead)));
}

void Page::add_chart(const Chart& chart, std::string_view size, std::string_view figure) {
  add(fmt::format("<figure class=\"chart {}\"><figcaption><span>{}{}</span>", size, escape_html(chart.title),
                  chart.logarithmic ? " <small>(logarithmic)</small>" : ""));
  if (chart.curves.empty()) {
    add("</figcaption><p class=\"empty\">not measured</p></figure>\n");
    return;
  }
  charts_[chart.id] = to_json(chart);
  add(
      fmt::format("{}</figcaption><div class=\"plot\"><canvas data-chart=\"{}\" role=\"img\" aria-label=\"{}\">"
                  "</canvas></div></figure>\n",
                  figure.empty() ? "" : element("b", figure), escape_html(chart.id), escape_html(description(chart))));
}

std::string Page::render(std::string_view title) const {
  const std::string escaped_title = escape_html(title), data = json_in_script(charts_);
  return fill_template(assets::page_html(), {{"title", escaped_title},
                                             {"style", assets::page_css()},
                                             {"body", body_},
                                             {"data", data},
                                             {"chart_js", assets::chart_js()},
                                             {"script", assets::page_js()}});
}

}  // namespace minissl
