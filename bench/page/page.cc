#include "bench/page/page.h"

#include <fmt/format.h>

#include "bench/page/page_style.h"
#include "bench/page/svg.h"

namespace bench::page {
namespace {

// A table of more columns takes the whole width.
constexpr size_t columns_few = 4;

std::string_view tone_class(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::good:
      return " good";
    case Tone::bad:
      return " bad";
  }
  return "";
}

class PageWriter {
 public:
  std::string write(const Page& page) {
    add(R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
)");
    // Nothing is fetched, not even the icon that browsers ask for by themselves.
    add(R"(<meta http-equiv="Content-Security-Policy" )"
        R"(content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">)"
        "\n<link rel=\"icon\" href=\"data:,\">\n");
    add("<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n",
        escape_html(page.title),
        page_style());
    add("<header>\n<h1>{}</h1>\n", escape_html(page.title));
    if (!page.subtitle.empty()) add("<p>{}</p>\n", escape_html(page.subtitle));
    add("</header>\n<main>\n");
    for (const Section& section : page.sections) {
      add("<section>\n");
      if (!section.heading.empty()) add("<h2>{}</h2>\n", escape_html(section.heading));
      for (const auto& part : section.parts) {
        std::visit([this](const auto& its) { put_in_line(its); }, part);
      }
      end_pair();
      add("</section>\n");
    }
    add("</main>\n<footer>{}</footer>\n</body>\n</html>\n", escape_html(page.footer));
    return std::move(html_);
  }

 private:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(html_), format, std::forward<Args>(args)...);
  }

  // Charts of half the width that follow each other share a box.
  template <class Part>
  void put_in_line(const Part& part) {
    bool is_half = false;
    if constexpr (requires { part.size; }) is_half = part.size == Size::half;
    if (!is_half) end_pair();
    if (is_half && !is_in_pair_) {
      add("<div class=\"pair\">\n");
      is_in_pair_ = true;
    }
    put(part);
  }

  void end_pair() {
    if (is_in_pair_) add("</div>\n");
    is_in_pair_ = false;
  }

  void put(const Paragraph& paragraph) {
    constexpr std::string_view classes[] = {"", " class=\"praise\"", " class=\"warning\""};
    add("<p{}>{}</p>\n", classes[static_cast<size_t>(paragraph.tone)], escape_html(paragraph.text));
  }

  void put(const Tiles& tiles) {
    add("<ul class=\"tiles\">\n");
    for (const Tile& tile : tiles.tiles) {
      add("<li class=\"tile{}\"><span>{}</span> <b>{}</b> <small>{}</small></li>\n",
          tone_class(tile.tone),
          escape_html(tile.label),
          escape_html(tile.value),
          escape_html(tile.note));
    }
    add("</ul>\n");
  }

  // Wide tables scroll in a box of their own, which the keyboard can reach.
  void put(const Table& table) {
    add("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">\n<table{}>\n",
        escape_html(table.caption),
        table.columns.size() > columns_few ? " class=\"wide\"" : "");
    if (!table.caption.empty()) add("<caption>{}</caption>\n", escape_html(table.caption));
    add("<thead><tr>");
    for (const Column& column : table.columns) {
      add("<th scope=\"col\"{}>{}</th>",
          column.is_number ? " class=\"number\"" : "",
          escape_html(column.name));
    }
    add("</tr></thead>\n<tbody>\n");
    for (const auto& row : table.rows) {
      add("<tr>");
      for (size_t i = 0; i < row.size(); ++i) {
        const bool is_number = table.columns[i].is_number;
        const std::string_view element = i == 0 ? "th" : "td";
        add("<{0}{1}{2}>{3}</{0}>",
            element,
            i == 0 ? " scope=\"row\"" : "",
            is_number ? " class=\"number\"" : "",
            escape_html(row[i]));
      }
      add("</tr>\n");
    }
    add("</tbody>\n</table>\n</div>\n");
  }

  void put(const Bars& bars) {
    open_figure(bars.title, bars.hint);
    if (!bars.verdict.empty()) {
      add(" <strong class=\"verdict{}\">{}</strong>",
          tone_class(bars.verdict_tone),
          escape_html(bars.verdict));
    }
    close_figure(drawings(bars, svg_bars), bars.figures);
  }

  void put(const Lines& lines) {
    open_figure(lines.title, lines.hint);
    close_figure(drawings(lines, svg_lines), lines.figures);
  }

  // In half the width only the narrow one has room.
  template <class Chart>
  std::string drawings(const Chart& chart,
                       std::string (*draw)(const Chart&, Width, std::string_view)) {
    const std::string id = fmt::format("chart-{}", ++charts_);
    const std::string narrow = draw(chart, Width::narrow, id);
    return chart.size == Size::half ? narrow : draw(chart, Width::wide, id) + narrow;
  }

  void open_figure(const std::string& title, const std::string& hint) {
    add("<figure>\n<figcaption><h3>{}</h3>", escape_html(title));
    if (!hint.empty()) add(" <span class=\"hint\">{}</span>", escape_html(hint));
  }

  void close_figure(const std::string& drawings, const Table& figures) {
    add("</figcaption>\n{}", drawings);
    if (!figures.rows.empty()) {
      add("<details><summary>Figures as a table</summary>\n");
      put(figures);
      add("</details>\n");
    }
    add("</figure>\n");
  }

  std::string html_;
  int charts_ = 0;
  bool is_in_pair_ = false;
};

}  // namespace

std::string render_page(const Page& page) {
  return PageWriter().write(page);
}

std::string escape_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) {
          escaped += "\uFFFD";
        } else {
          escaped.push_back(c);
        }
    }
  }
  return escaped;
}

}  // namespace bench::page
