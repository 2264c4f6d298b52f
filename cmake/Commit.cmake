# cmake -DSOURCE=… -DOUTPUT=… -P Commit.cmake: writes a header with the commit that is being built, when it changed.
execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
#pragma once
namespace fewstep {
inline constexpr const char* kCommit = "@commit@";  // empty outside a git checkout
}
]])
