#pragma once

#include <istream>
#include <string>
#include <vector>

namespace fmpn::annotate {

/// One recording or picture to annotate.
struct Input {
  std::string source;  ///< as a person would name it: path or URI
  std::string path;    ///< absolute; empty for a URI that is no file
  std::string uri;
  std::string name;    ///< of its result folder, relative to the output folder; valid UTF-8, the same on every machine
  bool image = false;  ///< a still picture
  std::string problem; ///< not empty: it cannot even be tried, and this is why
};

/// Turns the command line's inputs into a list: files, folders (recursive; only files whose suffix is a video's or a picture's,
/// in order of name), globs, URIs, and "-" for any of these, one a line, on `list`. Files under `output` are left out of
/// folders: results are no inputs. What cannot be read is in the list with its problem. A file that is named twice is in it once.
/// Throws kBadSetting for a list that names nothing: the program that should have made it has failed.
std::vector<Input> collect_inputs(const std::vector<std::string>& arguments, const std::string& output, std::istream& list);

/// Gives every input a name of its own: the path's stem, with its suffix where two would share a name, with a hash of the
/// source where that is not enough. No name is another's parent folder.
void name_inputs(std::vector<Input>& inputs);

}  // namespace fmpn::annotate
