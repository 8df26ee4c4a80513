#pragma once

#include <string>

namespace fmpn::annotate {

/// Where one input's results grow, and where they are when they are whole: OUT/NAME.partial, then OUT/NAME.
class ResultFolder {
 public:
  /// Makes the partial folder, with nothing but a marker in it. Throws kIo, and kBadSetting where OUT/NAME exists and is no result of
  /// ours, or OUT/NAME.partial was not made by us: nothing of the user's is ever replaced.
  ResultFolder(const std::string& output, const std::string& name);

  const std::string& partial() const { return partial_; }
  const std::string& whole() const { return whole_; }

  /// The last part of the name: what the files in it are called.
  std::string stem() const;

  /// The results get their name in one step; older ones go. Throws kIo.
  void commit();

  /// Whether a folder holds a whole result.
  static bool is_result(const std::string& folder);

 private:
  std::string partial_, whole_;
};

}  // namespace fmpn::annotate
