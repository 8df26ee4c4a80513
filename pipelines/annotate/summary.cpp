#include "summary.h"

#include <algorithm>
#include <cmath>

namespace fmpn::annotate {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kUncertain = "uncertain";

double milli(double value) { return std::round(value * 1000) / 1000; }

/// The expression that is shown for the longest time, or, where there is no time, on the most faces; "uncertain" is none.
Json dominant(const std::map<std::string, double>& time_in, const std::map<std::string, std::uint64_t>& frames_in) {
  Json best = nullptr;
  std::pair<double, std::uint64_t> most;
  for (const auto& [label, seconds] : time_in) {
    const std::pair shown(seconds, frames_in.at(label));
    if (label != kUncertain && (best.is_null() || shown > most)) best = label, most = shown;
  }
  return best;
}

Json times(const std::map<std::string, double>& time_in) {
  Json json = Json::object();
  for (const auto& [label, seconds] : time_in) json[label] = milli(seconds);
  return json;
}

}  // namespace

void Summary::add(const record::FrameRecord& frame) {
  const double start = frame.timestamp.value_or(end_);
  if (open_) close(start);
  open_ = frame;
  open_->timestamp = start;
  end_ = std::max(end_, start + frame.duration.value_or(0));
  ++frames_;
  frames_with_face_ += frame.faces.empty() ? 0 : 1;
  for (const record::FaceRecord& face : frame.faces) {
    FaceSummary& known = faces_[face.id];
    if (known.frames++ == 0) known.first = start;
    if (face.distribution.empty()) continue;
    if (classes_.empty())
      for (const auto& [name, p] : face.distribution) classes_.push_back(name);
    known.sum.resize(face.distribution.size());
    for (std::size_t i = 0; i < face.distribution.size(); ++i) known.sum[i] += face.distribution[i].second;
    ++known.classified;
  }
}

void Summary::finish() {
  if (open_) close(end_);
  open_.reset();
}

/// The open frame lasts until `until`: every face's time is known now.
void Summary::close(double until) {
  const double start = *open_->timestamp;
  const double lasted = std::max(0.0, until - start);
  seconds_ += lasted;
  for (const record::FaceRecord& face : open_->faces) {
    FaceSummary& known = faces_[face.id];
    known.seconds += lasted;
    if (!face.distribution.empty()) timeline_.add(face.id, std::max(0.0, start), std::max(0.0, start + lasted), face.distribution);
    if (!face.label.empty()) {
      known.time_in[face.label] += lasted;
      ++known.frames_in[face.label];
      const bool goes_on = !known.episodes.empty() && known.episodes.back().label == face.label && start - known.last <= kAway;
      if (!goes_on) known.episodes.push_back({face.label, start, start});
      known.episodes.back().end = start + lasted;
    }
    known.last = start + lasted;
  }
}

Json summary_json(const Summary& summary) {
  Json json;
  json["frames"] = summary.frames_;
  json["frames_with_face"] = summary.frames_with_face_;
  json["seconds"] = milli(summary.seconds_);
  json["classes"] = summary.classes_;
  std::map<std::string, double> all;
  std::map<std::string, std::uint64_t> all_frames;
  json["time_in"] = Json::object();
  json["faces"] = Json::array();
  for (const auto& [id, face] : summary.faces_) {
    Json one;
    one["id"] = id;
    one["frames"] = face.frames;
    one["first"] = milli(face.first);
    one["last"] = milli(face.last);
    one["seconds"] = milli(face.seconds);
    one["dominant"] = dominant(face.time_in, face.frames_in);
    one["time_in"] = times(face.time_in);
    std::map<std::string, int> onsets;
    one["episodes"] = Json::array();
    for (const Episode& episode : face.episodes) {
      ++onsets[episode.label];
      one["episodes"].push_back({{"label", episode.label}, {"start", milli(episode.start)}, {"end", milli(episode.end)}});
    }
    one["onsets"] = onsets;
    one["mean"] = Json::object();
    for (std::size_t i = 0; i < face.sum.size(); ++i)
      one["mean"][summary.classes_[i]] = milli(face.sum[i] / static_cast<double>(face.classified));
    for (const auto& [label, seconds] : face.time_in) all[label] += seconds;
    for (const auto& [label, frames] : face.frames_in) all_frames[label] += frames;
    json["faces"].push_back(std::move(one));
  }
  json["time_in"] = times(all);
  json["dominant"] = dominant(all, all_frames);
  return json;
}

}  // namespace fmpn::annotate
