#pragma once
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace fewstep {

// A command line with names as its command has them: what other tools call an option (--batch-size, --guidance_scale,
// --num-inference-steps) becomes ours where ours is there. Throws Error (kUsage) for an option that is not there, with
// the nearest one. What follows "--" stays as it is.
std::vector<std::string> with_our_names(const CLI::App& root, std::vector<std::string> arguments);

// What people write for a precision or a device, as kDtypes and read_device_name have it; another word stays as it is.
std::string our_dtype(std::string text);
std::string our_device(std::string text);

}  // namespace fewstep
