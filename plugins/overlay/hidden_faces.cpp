#include "hidden_faces.h"

#include <algorithm>
#include <iterator>

namespace fmpn::overlay {

std::vector<Box> HiddenFaces::update(const std::vector<std::pair<int, Box>>& faces, double time) {
  std::vector<Box> boxes;
  int last_track = 0, which = 0;
  for (const auto& [track, box] : faces) {
    which = track == last_track ? which + 1 : 0;
    last_track = track;
    if (track == 0) boxes.push_back(box);
    else places_[{track, which}] = {box, time};
  }
  // A stream of few frames may miss a face on a single one, too.
  const double hold = last_ ? std::max(kHold, kHoldFrames * (time - *last_)) : kHold;
  last_ = time;
  for (auto item = places_.begin(); item != places_.end();) {
    // A time before it was seen: the stream has jumped.
    const double since = time - item->second.seen;
    if (since < 0 || since > hold) {
      item = places_.erase(item);
      continue;
    }
    boxes.push_back(item->second.box);
    ++item;
  }
  return boxes;
}

}  // namespace fmpn::overlay
