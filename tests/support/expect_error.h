#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <fmpn/error.h>

namespace fmpn::test {

/// Runs `body`, which has to throw fmpn::Error with this code and with each of `parts` in its message.
template <typename Body>
void expect_error(ErrorCode code, const std::vector<std::string>& parts, const Body& body) {
  try {
    body();
  } catch (const Error& fault) {
    EXPECT_EQ(static_cast<int>(fault.code()), static_cast<int>(code)) << fault.what();
    for (const std::string& part : parts)
      EXPECT_NE(std::string(fault.what()).find(part), std::string::npos) << "'" << part << "' is not in: " << fault.what();
    return;
  } catch (const std::exception& fault) {
    ADD_FAILURE() << "another exception: " << fault.what();
    return;
  }
  ADD_FAILURE() << "nothing was thrown";
}

}  // namespace fmpn::test
