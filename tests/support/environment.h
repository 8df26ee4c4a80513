#pragma once

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace fmpn::test {

/// Changes of the process's environment, which are taken back at the end of a scope, however it is left. Whoever runs the tests has an
/// environment of his own, so what a test is about it sets or unsets itself.
class Environment {
 public:
  Environment() = default;
  ~Environment() {
    for (const auto& [name, value] : before_) change(name, value);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  void set(const std::string& name, const std::string& value) {
    remember(name);
    change(name, value);
  }
  void unset(const std::string& name) {
    remember(name);
    change(name, std::nullopt);
  }

 private:
  void remember(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    before_.emplace(name, value == nullptr ? std::nullopt : std::optional<std::string>(value));
  }
  static void change(const std::string& name, const std::optional<std::string>& value) {
    if (value) setenv(name.c_str(), value->c_str(), 1);
    else unsetenv(name.c_str());
  }
  std::map<std::string, std::optional<std::string>> before_;
};

}  // namespace fmpn::test
