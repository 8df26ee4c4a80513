#include "hidden_faces.h"

#include <algorithm>
#include <iterator>

namespace fmpn::overlay {

std::vector<Box> HiddenFaces::update(const std::vector<std::pair<int, Box>>& faces, double time) {
  std::vector<Box> boxes;
  std::map<int, int> there;  // boxes of each track on this frame
  for (const auto& [track, box] : faces) {
    boxes.push_back(box);  // whatever is remembered or not: what is there now is hidden
    if (track != 0) places_[{track, there[track]++}] = {box, time};
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
    const auto [track, which] = item->first;
    if (which >= there[track]) boxes.push_back(item->second.box);
    ++item;
  }
  return boxes;
}

}  // namespace fmpn::overlay
