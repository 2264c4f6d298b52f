#pragma once

namespace fewstep {

// From now on the first SIGINT or SIGTERM only sets a flag; the second ends the process as if nothing were installed.
void catch_interrupts();
bool interrupted();

}  // namespace fewstep
