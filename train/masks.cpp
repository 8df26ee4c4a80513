// fmpn-train masks: Eq. 1 per class from a prepared data set whose manifest names neutral faces, or borrowed masks.

#include <cstdio>
#include <filesystem>
#include <memory>

#include <fmpn/error.h>
#include <fmpn/motion_mask.h>

#include "commands.h"
#include "manifest.h"
#include "mask_set.h"

namespace fmpn::train {
namespace fs = std::filesystem;
namespace {

struct Options {
  std::string data, out, from, split;
};

void make_masks(const Options& o) {
  fs::create_directories(o.out);
  if (!o.from.empty()) {
    for (const auto& [name, mask] : read_masks(o.from)) write_image((fs::path(o.out) / (name + ".png")).string(), mask.view());
    std::printf("borrowed masks of %s in %s\n", o.from.c_str(), o.out.c_str());
    return;
  }
  std::map<std::string, MotionMaskBuilder> builders;
  for (const ManifestRow& row : read_manifest(o.data)) {
    if (row.neutral.empty() || row.neutral == row.path || (!o.split.empty() && row.split != o.split)) continue;
    builders[row.label].add(read_image((fs::path(o.data) / row.path).string()).view(),
                            read_image((fs::path(o.data) / row.neutral).string()).view());
  }
  if (builders.empty())
    throw Error(ErrorCode::kBadFormat, o.data + ": no row of the manifest names a neutral face; --from DIR borrows another data set's masks");
  for (const auto& [name, builder] : builders) {
    write_image((fs::path(o.out) / (name + ".png")).string(), builder.build().view());
    std::printf("%-10s %d pairs\n", name.c_str(), builder.pairs());
  }
}

}  // namespace

void add_masks(CLI::App& app) {
  auto* command = app.add_subcommand("masks", "Ground-truth motion masks (Eq. 1) per class");
  auto o = std::make_shared<Options>();
  command->add_option("data", o->data, "Prepared data set")->required();
  command->add_option("-o,--output", o->out, "Folder for <class>.png")->required();
  command->add_option("--from", o->from, "Borrow: folder of another data set's masks, mapped by class name");
  command->add_option("--split", o->split, "Only rows of this split");
  command->callback([o] { make_masks(*o); });
}

}  // namespace fmpn::train
