#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <fmpn/engine.h>

namespace fmpn::train {
class MaskReplacement;

/// The pictures that a finished model is asked about, as the user names them.
struct CropSource {
  std::string data;   ///< a prepared data set, or a folder of class folders
  std::string split;  ///< empty: all
  int fold = -1;      ///< −1: all
  std::string without_duplicates_of;     ///< a split; empty: none
  std::vector<std::string> corruptions;  ///< "blur:1.5"; of a folder of pictures alone
};
/// The options that make one, but for the fold; `data` is the command's next positional.
void add_crop_source_options(CLI::App& command, CropSource& source);

struct LabelledCrops {
  std::vector<Image> crops;
  std::vector<std::string> paths;   ///< of the crops, as the manifest names them, or of a folder's pictures
  std::vector<std::size_t> labels;  ///< index in the model's classes
  std::vector<bool> aligned;        ///< a face was found; false: the whole picture
  long duplicates = 0;              ///< left out
  long unaligned() const { return std::count(aligned.begin(), aligned.end(), false); }
};
/// Pictures are aligned as `prepare` does. Every picture is counted: one that cannot be used is an error, since a figure would be of
/// another set. Throws kBadFormat for it, for a class that the model has not and where there is no picture, and kBadSetting for options
/// that don't go together.
LabelledCrops read_labelled_crops(const CropSource& source, const ModelInfo& info);

/// What a command that measures says first: the model and its precision, how many pictures, which were left out or changed.
nlohmann::ordered_json heading_of(const CropSource& source, const LabelledCrops& crops, const Engine& engine);
/// The same for people, but for the model.
void print_heading(const CropSource& source, const LabelledCrops& crops);

/// Asks the engine about all crops, in batches, with `replacement`'s masks where there is one; `visit` gets them in their order.
void classify_each(const Engine& engine, const std::vector<Image>& crops, const MaskReplacement* replacement,
                   const std::function<void(std::size_t index, const Expression& expression)>& visit);

}  // namespace fmpn::train
