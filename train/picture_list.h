#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <fmpn/geometry.h>
#include <fmpn/image_view.h>

#include "manifest.h"

namespace fmpn::train {

/// A picture or sequence that is not taken, and why.
struct SkippedSource {
  std::string source, reason;
  std::string split{};  ///< where the data set says it
};

/// What a data set holds, before any picture is read: the one interface between data sets and the rest of `prepare`.
struct PictureList {
  /// With `path` (unique) and `source` set; `neutral` names the path of another row. `fold` is for assign_folds().
  std::vector<ManifestRow> rows;
  std::vector<SkippedSource> skipped;
  std::string summary;  ///< what was found, to be held against what the data set should have; may be empty
  /// Where the data set itself says that the face is, by the row's path.
  std::map<std::string, Box> faces;
  /// Reads a row's picture, on any thread. Throws as read_image().
  std::function<Image(const ManifestRow&)> read = [](const ManifestRow& row) { return read_image(row.source); };
  /// True: a picture in which no face is found is taken whole (tight crops of faces); false: it is left out and listed.
  bool keeps_faceless = false;
  /// True: what has no subject or fewer subjects than folds is a fault; false: it just has no folds.
  bool needs_folds = false;
};

struct ListOptions {
  int peak_frames = 3;        ///< frames of a sequence around or up to its peak, ≥ 1
  bool with_neutral = false;  ///< a sequence's first frame is a picture of the class "neutral"
  std::string table;          ///< MMI: CSV of sequence, label and peak; empty: ROOT/mmi.csv where it is
};

/// Each throws kNotFound and kBadFormat (naming file or folder) for what is not the data set, and lists in `skipped`
/// what cannot be used of it.
PictureList list_ckplus(const std::string& root, const ListOptions& options);
PictureList list_mmi(const std::string& root, const ListOptions& options);
PictureList list_affectnet(const std::string& root, const ListOptions& options);
PictureList list_fer2013(const std::string& root, const ListOptions& options);
PictureList list_folder(const std::string& root, const ListOptions& options);

/// Data sets by the name that `prepare` takes. Another one is a file with its lister, and a line here.
const std::map<std::string, std::function<PictureList(const std::string&, const ListOptions&)>>& picture_listers();

/// True for a name that ends as a picture's does (.jpg, .png, …) and does not begin with a dot.
bool is_picture(const std::string& path);
/// True for the name of a picture of a kind that is not read (.gif, .heic, …).
bool is_other_picture(const std::string& path);

/// The crop's path for a picture's path below the data set's folder, "crops/<picture>.png". What leads out of the data set's folder does
/// not lead out of the crops'.
std::string crop_path(const std::filesystem::path& picture);

struct SequenceFrame {
  std::string source, path, number;
};
/// Adds the frames `chosen` of one sequence as pictures of `pattern` (label, subject, sequence), and the first frame as
/// their neutral face: a reference face, or a picture of "neutral" with `with_neutral`.
void add_sequence(PictureList& list, const ManifestRow& pattern, const std::vector<SequenceFrame>& frames,
                  const std::vector<std::size_t>& chosen, bool with_neutral);

}  // namespace fmpn::train
