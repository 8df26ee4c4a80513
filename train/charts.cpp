#include "charts.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

#include "canvas.h"
#include "number_text.h"

namespace fmpn::train {
namespace {

constexpr int kPanelWidth = 420, kPanelHeight = 270;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string percent(double share) { return percent_text(share, 1); }

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

/// 1, 2 or 5 times a power of ten, so that about `steps` of them reach `range`.
double round_step(double range, int steps) {
  const double raw = range / steps, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= raw * 0.999) return factor * power;
  return 10 * power;
}

void draw_legend(Canvas& canvas, double right, double y, const std::vector<Series>& series) {
  for (std::size_t i = series.size(); i-- > 0;) {
    right -= canvas.text_width(series[i].name, 10);
    canvas.text(right, y, series[i].name, 10, kInk);
    canvas.fill(right - 16, y - 1.5, 12, 3, series_colour(i));
    right -= 28;
  }
}

/// What the y axis reaches over.
enum class Scale { kFromZero, kShare, kR2 };

struct YAxis {
  double low, high, step;
};

YAxis y_axis(Scale scale, double lowest, double highest) {
  if (scale == Scale::kShare) return {0, 1, 0.2};
  // R² has no lower end, and what is below −1 says no more than −1 does.
  if (scale == Scale::kR2)
    return {std::clamp(std::floor(lowest * 4) / 4, -1.0, 0.0), std::clamp(std::ceil(highest * 4) / 4, 0.25, 1.0), 0.25};
  const double step = round_step(highest > 0 ? highest : 1, 5);
  return {0, std::max(1.0, std::ceil(highest / step)) * step, step};
}

/// One panel with its top left corner at `x0`.
void draw_panel(Canvas& canvas, double x0, const std::string& title, const std::vector<Series>& series, Scale scale) {
  const double left = x0 + 52, right = x0 + kPanelWidth - 18, top = 44, bottom = kPanelHeight - 42;
  double first = 1e300, last = -1e300, lowest = 0, highest = 0;
  for (const Series& s : series)
    for (const auto& [x, y] : s.points)
      first = std::min(first, x), last = std::max(last, x), lowest = std::min(lowest, std::isfinite(y) ? y : 0),
      highest = std::max(highest, std::isfinite(y) ? y : 0);
  if (last <= first) first -= 0.5, last = first + 1;
  const YAxis axis = y_axis(scale, lowest, highest);
  const auto at_x = [&](double x) { return left + (x - first) / (last - first) * (right - left); };
  const auto at_y = [&](double y) { return bottom - std::clamp((y - axis.low) / (axis.high - axis.low), 0.0, 1.0) * (bottom - top); };

  canvas.text(x0 + 16, 20, title, 13, kInk, Anchor::kLeft, true);
  if (series.size() > 1) draw_legend(canvas, right, 20, series);
  const auto lines = std::lround((axis.high - axis.low) / axis.step);
  for (long i = 0; i <= lines; ++i) {
    const double y = axis.low + static_cast<double>(i) * axis.step;
    canvas.line(left, at_y(y), right, at_y(y), y == 0 ? kFaint : kGrid);
    const std::string label = scale == Scale::kShare ? std::to_string(std::lround(100 * y)) + " %" : number(y);
    canvas.text(left - 6, at_y(y), label, 9, kFaint, Anchor::kRight);
  }
  const double x_step = std::max(1.0, round_step(last - first, 8));
  for (double x = std::ceil(first / x_step) * x_step; x <= last; x += x_step)
    canvas.text(at_x(x), bottom + 12, number(x), 9, kFaint, Anchor::kCentre);
  canvas.line(left, bottom, right, bottom, kFaint);
  canvas.text((left + right) / 2, bottom + 29, "epoch", 10, kFaint, Anchor::kCentre);
  for (std::size_t i = 0; i < series.size(); ++i) {
    std::vector<std::pair<double, double>> line;
    for (const auto& [x, y] : series[i].points)
      if (std::isfinite(y)) line.emplace_back(at_x(x), at_y(y));
    if (line.size() > 1) canvas.polyline(line, series_colour(i));
    if (line.size() < 40)
      for (const auto& [x, y] : line) canvas.disc(x, y, 2.5, series_colour(i));
  }
}

struct Panel {
  std::string title;
  std::vector<Series> series;
  Scale scale = Scale::kFromZero;
};

}  // namespace

Image run_curves(const std::vector<EpochMetrics>& metrics) {
  int first_phase = 0;  // epochs of phase 1 come before those of phase 2
  for (const EpochMetrics& m : metrics)
    if (m.phase == 1) first_phase = std::max(first_phase, m.epoch);
  Series mask1{"phase 1", {}}, mask2{"phase 2", {}}, r2_phase1 = mask1, r2_phase2 = mask2;
  Series classes{"cross-entropy", {}}, accuracy{"accuracy", {}};
  for (const EpochMetrics& m : metrics) {
    const double x = m.phase == 1 ? m.epoch : first_phase + m.epoch;
    (m.phase == 1 ? mask1 : mask2).points.emplace_back(x, m.mask_loss);
    if (m.mask_r2) (m.phase == 1 ? r2_phase1 : r2_phase2).points.emplace_back(x, *m.mask_r2);
    if (m.phase == 2) classes.points.emplace_back(x, m.class_loss);
    if (m.phase == 2 && m.valid_accuracy) accuracy.points.emplace_back(x, *m.valid_accuracy);
  }
  const auto all_zero = [](const Series& s) {
    return std::all_of(s.points.begin(), s.points.end(), [](const auto& p) { return p.second == 0; });
  };
  std::vector<Panel> panels;
  std::vector<Series> masks;
  for (const Series& s : {mask1, mask2})
    if (!all_zero(s)) masks.push_back(s);
  if (!masks.empty()) panels.push_back({"Mask loss", masks});
  std::vector<Series> r2;
  for (const Series& s : {r2_phase1, r2_phase2})
    if (!s.points.empty()) r2.push_back(s);
  if (!r2.empty()) panels.push_back({"R² of the masks, held out", r2, Scale::kR2});
  if (!classes.points.empty()) panels.push_back({"Class loss", {classes}});
  if (!all_zero(accuracy)) panels.push_back({"Accuracy, held out", {accuracy}, Scale::kShare});
  if (panels.empty()) panels.push_back({"Loss", {mask1}});
  Canvas canvas(kPanelWidth * static_cast<int>(panels.size()), kPanelHeight);
  for (std::size_t i = 0; i < panels.size(); ++i)
    draw_panel(canvas, static_cast<double>(kPanelWidth) * static_cast<double>(i), panels[i].title, panels[i].series, panels[i].scale);
  return canvas.image();
}

Image confusion_chart(const std::string& title, const ConfusionMatrix& confusion) {
  constexpr double kCell = 58, kLabel = 96, kTop = 84, kEdge = 64;
  const auto& classes = confusion.classes();
  const auto& counts = confusion.counts();
  const std::size_t n = classes.size();
  const double side = kCell * static_cast<double>(n);
  Canvas canvas(static_cast<int>(kLabel + side + kEdge + 16), static_cast<int>(kTop + side + kEdge));
  canvas.text(16, 22, canvas.fitted(title, 14, canvas.width() - 32), 14, kInk, Anchor::kLeft, true);
  canvas.text(kLabel + side / 2, 46, "named", 10, kFaint, Anchor::kCentre);
  canvas.text(16, kTop - 14, "true", 10, kFaint);
  canvas.text(kLabel + side + kEdge / 2, kTop - 14, "recall", 10, kFaint, Anchor::kCentre);
  canvas.text(kLabel - 8, kTop + side + 22, "precision", 10, kFaint, Anchor::kRight);
  for (std::size_t i = 0; i < n; ++i) {
    const double at = kCell * static_cast<double>(i);
    const ClassScores scores = confusion.scores_of(i);
    canvas.text(kLabel + at + kCell / 2, kTop - 14, canvas.fitted(classes[i], 10, kCell - 4), 10, kInk, Anchor::kCentre);
    canvas.text(kLabel - 8, kTop + at + kCell / 2, classes[i], 11, kInk, Anchor::kRight);
    for (std::size_t k = 0; k < n; ++k) {
      const double share = scores.pictures > 0 ? static_cast<double>(counts[i][k]) / static_cast<double>(scores.pictures) : 0;
      const double x = kLabel + kCell * static_cast<double>(k), y = kTop + at;
      const Colour ink = share > 0.5 ? kWhite : counts[i][k] == 0 ? Colour{0.72, 0.74, 0.78} : kInk;
      canvas.fill(x + 1, y + 1, kCell - 2, kCell - 2, counts[i][k] == 0 ? Colour{0.97, 0.97, 0.98} : shade(0.06 + 0.94 * share));
      canvas.text(x + kCell / 2, y + kCell / 2 - (counts[i][k] > 0 ? 6 : 0), std::to_string(counts[i][k]), 13, ink, Anchor::kCentre,
                  i == k);
      if (counts[i][k] > 0) canvas.text(x + kCell / 2, y + kCell / 2 + 11, percent(share) + " %", 8.5, ink, Anchor::kCentre);
    }
    const auto text = [](const std::optional<double>& of) { return of ? percent(*of) + " %" : std::string("–"); };
    canvas.text(kLabel + side + kEdge / 2, kTop + at + kCell / 2, text(scores.recall), 11, kInk, Anchor::kCentre);
    canvas.text(kLabel + at + kCell / 2, kTop + side + 22, text(scores.precision), 11, kInk, Anchor::kCentre);
  }
  return canvas.image();
}

Image bar_chart(const std::string& title, const std::vector<std::string>& names, const std::vector<double>& values, double mean) {
  constexpr double kLeft = 52, kTop = 48, kHeight = 200, kBar = 44;
  const double width = kBar * static_cast<double>(names.size());
  Canvas canvas(static_cast<int>(std::max(300.0, kLeft + width + 90)), static_cast<int>(kTop + kHeight + 46));
  canvas.text(16, 22, title, 14, kInk, Anchor::kLeft, true);
  const auto at_y = [&](double share) { return kTop + kHeight * (1 - std::clamp(share, 0.0, 1.0)); };
  for (int i = 0; i <= 5; ++i) {
    canvas.line(kLeft, at_y(i / 5.0), kLeft + width, at_y(i / 5.0), kGrid);
    canvas.text(kLeft - 6, at_y(i / 5.0), std::to_string(20 * i) + " %", 9, kFaint, Anchor::kRight);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double x = kLeft + kBar * static_cast<double>(i);
    canvas.fill(x + 6, at_y(values[i]), kBar - 12, kTop + kHeight - at_y(values[i]), series_colour(5));
    // At the foot: above the bars the line of the mean would run through most of them.
    canvas.text(x + kBar / 2, kTop + kHeight - 9, percent(values[i]), 9.5, kInk, Anchor::kCentre);
    canvas.text(x + kBar / 2, kTop + kHeight + 14, names[i], 10, kInk, Anchor::kCentre);
  }
  canvas.line(kLeft, at_y(mean), kLeft + width, at_y(mean), series_colour(1), 1.5);
  canvas.text(kLeft + width + 6, at_y(mean), "mean " + percent(mean) + " %", 10, series_colour(1));
  return canvas.image();
}

}  // namespace fmpn::train
