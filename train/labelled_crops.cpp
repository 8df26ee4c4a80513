#include "labelled_crops.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <utility>

#include <fmpn/error.h>

#include "corruption.h"
#include "manifest.h"
#include "mask_replacement.h"
#include "parallel_align.h"
#include "picture_list.h"
#include "pixel_key.h"
#include "progress.h"
#include "seen_pictures.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

std::size_t label_index(const ModelInfo& info, const ManifestRow& row) {
  const auto found = std::find(info.classes.begin(), info.classes.end(), row.label);
  if (found == info.classes.end())
    throw Error(ErrorCode::kBadFormat, (row.source.empty() ? row.path : row.source) + ": the model has no class '" + row.label + "'");
  return static_cast<std::size_t>(found - info.classes.begin());
}

/// Takes out of `rows` the pictures whose pixels one of `others` has; gives back how many. FER2013's splits share some.
long leave_out_duplicates(std::vector<ManifestRow>& rows, const std::vector<ManifestRow>& others,
                          const std::function<std::string(const ManifestRow&)>& file) {
  std::set<std::uint64_t> seen;
  Progress progress("compare", static_cast<long>(others.size() + rows.size()));
  long done = 0;
  for (const ManifestRow& row : others) {
    seen.insert(pixel_key(read_image(file(row))));
    progress.update(++done);
  }
  const auto duplicates = std::remove_if(rows.begin(), rows.end(), [&](const ManifestRow& row) {
    progress.update(++done);
    return seen.count(pixel_key(read_image(file(row)))) != 0;
  });
  const long count = rows.end() - duplicates;
  rows.erase(duplicates, rows.end());
  return count;
}

/// All pictures of a folder. One of the splits that are asked for must not be missing from them.
std::vector<ManifestRow> rows_of_folder(const CropSource& source) {
  PictureList list = list_folder(source.data, {});
  const auto is_of_others = [&](const SkippedSource& s) {
    return !source.split.empty() && !s.split.empty() && s.split != source.split && s.split != source.without_duplicates_of;
  };
  auto& skipped = list.skipped;
  skipped.erase(std::remove_if(skipped.begin(), skipped.end(), is_of_others), skipped.end());
  if (!skipped.empty())
    throw Error(ErrorCode::kBadFormat,
                skipped.front().source + ": " + skipped.front().reason +
                    (skipped.size() > 1 ? " (and " + std::to_string(skipped.size() - 1) + " more that cannot be used)" : ""));
  return std::move(list.rows);
}

void warn_of_seen_pictures(const CropSource& source, const ModelInfo& info) {
  const std::string seen = seen_of(info, source.data, {source.split, source.fold});
  if (!seen.empty())
    std::fprintf(stderr, "fmpn-train: warning: the model was trained on %s: what it makes of those pictures says nothing of new faces\n",
                 seen.c_str());
}

Image corrupted_file(const std::string& path, const Image& picture, const std::vector<Corruption>& corruptions) {
  try {
    return corrupted(picture.view(), corruptions);
  } catch (const Error& fault) {
    throw Error(fault.code(), path + ": " + fault.what());
  }
}

}  // namespace

void add_crop_source_options(CLI::App& c, CropSource& source) {
  c.add_option("data", source.data, "Prepared data set, or a folder of class folders")->required();
  c.add_option("--split", source.split, "Only this split");
  c.add_option("--without-duplicates-of", source.without_duplicates_of, "Leave out pictures that stand in this split too, pixel by pixel");
  const auto is_corruption = [](const std::string& text) -> std::string {
    try {
      parse_corruption(text);
      return {};
    } catch (const Error& fault) {
      return fault.what();
    }
  };
  c.add_option("--corruption", source.corruptions,
               "Done to every picture of a folder before its face is looked for, such as blur:1.5; given several times, one after the other: "
               "resize:FACTOR, blur:SIGMA (pixels), noise:SIGMA (of 255), jpeg:QUALITY, brightness:FACTOR, contrast:FACTOR, rotate:DEGREES")
      ->type_name("KIND:STRENGTH")
      ->check(is_corruption)
      ->expected(-1)
      ->allow_extra_args(false);
}

LabelledCrops read_labelled_crops(const CropSource& source, const ModelInfo& info) {
  std::vector<Corruption> corruptions;
  for (const std::string& text : source.corruptions) corruptions.push_back(parse_corruption(text));
  const bool prepared = fs::exists(fs::path(source.data) / "manifest.csv");
  if (prepared && !corruptions.empty())
    throw Error(ErrorCode::kBadSetting,
                source.data + ": --corruption is done to pictures before their faces are looked for; these are crops already");
  const auto all = prepared ? read_manifest(source.data) : rows_of_folder(source);
  const auto file = [&](const ManifestRow& row) { return prepared ? (fs::path(source.data) / row.path).string() : row.source; };
  const auto some = [&](const Selection& selection) {
    auto rows = select_rows(all, selection);
    const std::string part = selection.fold < 0 ? "the split '" + selection.split + "'" : "the fold " + std::to_string(selection.fold);
    if (rows.empty()) throw Error(ErrorCode::kBadFormat, source.data + ": no picture in " + part);
    return rows;
  };
  if (prepared) warn_of_seen_pictures(source, info);
  auto rows = some({source.split, source.fold, true});
  LabelledCrops result;
  if (!source.without_duplicates_of.empty()) {
    if (source.without_duplicates_of == source.split || source.split.empty())
      throw Error(ErrorCode::kBadSetting, "--without-duplicates-of takes another split than --split, which it needs");
    result.duplicates = leave_out_duplicates(rows, some({source.without_duplicates_of}), file);
    if (rows.empty())
      throw Error(ErrorCode::kBadFormat,
                  source.data + ": every picture of '" + source.split + "' stands in '" + source.without_duplicates_of + "'");
  }
  result.crops.resize(rows.size());
  for (const ManifestRow& row : rows) {
    result.labels.push_back(label_index(info, row));
    result.paths.push_back(prepared ? row.path : row.source);
  }
  if (prepared) {
    for (std::size_t i = 0; i < rows.size(); ++i) result.crops[i] = read_image(file(rows[i]));
  } else {
    AlignerOptions aligner;
    aligner.crop_size = info.crop_size;
    align_in_parallel(aligner, rows.size(), "align", [&](Aligner& a, std::size_t i) {
      Image picture = read_image(rows[i].source);
      if (!corruptions.empty()) picture = corrupted_file(rows[i].source, picture, corruptions);
      StillCrop still = crop_still(a, picture.view());
      rows[i].aligned = still.aligned;
      result.crops[i] = std::move(still.crop);
    });
  }
  for (const ManifestRow& row : rows) result.aligned.push_back(row.aligned);
  return result;
}

nlohmann::ordered_json heading_of(const CropSource& source, const LabelledCrops& crops, const Engine& engine) {
  nlohmann::ordered_json heading{{"model", engine.info().name}, {"precision", engine.precision() == Precision::kBf16 ? "bf16" : "fp32"}};
  if (!source.corruptions.empty()) heading["corruptions"] = source.corruptions;
  heading["images"] = crops.crops.size();
  heading["unaligned"] = crops.unaligned();
  if (!source.without_duplicates_of.empty()) heading["duplicates_left_out"] = crops.duplicates;
  return heading;
}

void print_heading(const CropSource& source, const LabelledCrops& crops) {
  std::printf("%zu images, %ld without a found face\n", crops.crops.size(), crops.unaligned());
  if (!source.without_duplicates_of.empty())
    std::printf("left out: %ld that stand in '%s' too\n", crops.duplicates, source.without_duplicates_of.c_str());
  for (const std::string& corruption : source.corruptions) std::printf("pictures corrupted: %s\n", corruption.c_str());
}

void classify_each(const Engine& engine, const std::vector<Image>& crops, const MaskReplacement* replacement,
                   const std::function<void(std::size_t, const Expression&)>& visit) {
  constexpr std::size_t kBatch = 64;
  Progress progress("classify", static_cast<long>(crops.size()));
  for (std::size_t first = 0; first < crops.size(); first += kBatch) {
    const std::size_t last = std::min(first + kBatch, crops.size());
    std::vector<ImageView> batch;
    for (std::size_t i = first; i < last; ++i) batch.push_back(crops[i].view());
    const auto expressions = replacement != nullptr ? engine.classify(batch, replacement->masks(first, last)) : engine.classify(batch);
    for (std::size_t i = first; i < last; ++i) visit(i, expressions[i - first]);
    progress.update(static_cast<long>(last));
  }
}

}  // namespace fmpn::train
