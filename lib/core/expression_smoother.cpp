#include <fmpn/expression_smoother.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmpn/error.h>

namespace fmpn {
namespace {

void need(bool ok, const char* what) {
  if (!ok) throw Error(ErrorCode::kBadSetting, std::string("smoothing: ") + what);
}

}  // namespace

ExpressionSmoother::ExpressionSmoother(const SmootherOptions& options) { set_options(options); }

void ExpressionSmoother::set_options(const SmootherOptions& options) {
  need(options.half_life >= 0 && std::isfinite(options.half_life), "the half-life must not be negative");
  need(options.min_confidence >= 0 && options.min_confidence <= 1, "the least confidence must lie in 0…1");
  need(options.hysteresis >= 0 && options.keep >= 0, "neither the hysteresis nor the time that a face is kept may be negative");
  options_ = options;
}

int ExpressionSmoother::stable_label(const std::vector<float>& p, int standing) const {
  int best = static_cast<int>(std::max_element(p.begin(), p.end()) - p.begin());
  if (standing >= 0 && p[static_cast<std::size_t>(best)] < p[static_cast<std::size_t>(standing)] + options_.hysteresis) best = standing;
  // A label that stands may sink a little below the limit before it falls.
  const double limit = options_.min_confidence - (best == standing ? options_.hysteresis : 0);
  return p[static_cast<std::size_t>(best)] < limit ? -1 : best;
}

SmoothedExpression ExpressionSmoother::update(int track_id, const std::vector<float>& observed, double time, bool judged) {
  need(!observed.empty() && std::all_of(observed.begin(), observed.end(), [](float p) { return std::isfinite(p); }), "no distribution");
  need(std::isfinite(time), "the time is not finite");
  Face& face = faces_[track_id];
  need(face.last.probabilities.empty() || face.last.probabilities.size() == observed.size(), "the number of classes has changed");
  if (judged) {
    if (face.probabilities.empty() || options_.half_life <= 0) {
      face.probabilities = observed;
    } else {
      const auto keep = static_cast<float>(std::exp2(-std::max(0.0, time - face.observed) / options_.half_life));
      for (std::size_t i = 0; i < observed.size(); ++i) face.probabilities[i] = keep * face.probabilities[i] + (1 - keep) * observed[i];
    }
    face.observed = time;
  }
  face.last_seen = time;
  const std::vector<float>& shown = judged ? face.probabilities : observed;
  const int standing = options_.half_life > 0 ? face.label_id : -1;  // without smoothing every frame is for itself
  const int label = judged ? stable_label(face.probabilities, standing) : -1;
  SmoothedExpression result{shown, label,
                            label >= 0 ? shown[static_cast<std::size_t>(label)] : *std::max_element(shown.begin(), shown.end())};
  if (!face.begun || label != face.label_id)
    events_.push_back({face.begun ? ExpressionEvent::Kind::kChange : ExpressionEvent::Kind::kOnset, track_id, label,
                       face.begun ? face.label_id : -1, result, time});
  face.begun = true;
  face.label_id = label;
  face.last = result;
  return result;
}

void ExpressionSmoother::seen(int track_id, double time) {
  if (const auto found = faces_.find(track_id); found != faces_.end()) found->second.last_seen = time;
}

std::vector<ExpressionEvent> ExpressionSmoother::take_events(double now) {
  for (auto item = faces_.begin(); item != faces_.end();) {
    const Face& face = item->second;
    if (now - face.last_seen <= options_.keep) {
      ++item;
      continue;
    }
    events_.push_back({ExpressionEvent::Kind::kOffset, item->first, face.label_id, face.label_id, face.last, face.last_seen});
    item = faces_.erase(item);
  }
  return std::exchange(events_, {});
}

std::vector<ExpressionEvent> ExpressionSmoother::end_all() {
  for (const auto& [id, face] : faces_)
    events_.push_back({ExpressionEvent::Kind::kOffset, id, face.label_id, face.label_id, face.last, face.last_seen});
  faces_.clear();
  return std::exchange(events_, {});
}

}  // namespace fmpn
