#pragma once
#include <string_view>

namespace fewstep {

// Called at named points of what must survive a kill, a full disk or a device without memory, with the point's name:
// "denoise", "decode", "measure"; "file written", "file synced", "file renamed"; "features written", "before commit",
// "after commit", "log emptied". Does nothing; tests put in its place what stops or fails there.
extern void (*fault_point)(std::string_view point);  // never null

}  // namespace fewstep
