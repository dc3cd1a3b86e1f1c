// Files that the configuration names.
#pragma once

#include <spindle/executor.h>

#include <string>

namespace spindle_grpc {

// By an absolute path, or by the name of one of the instance's files. False with the reason in `why`.
bool file_read(std::string &bytes, const char *path, const spindle_instance_config &source, size_t most, std::string &why);

} // namespace spindle_grpc
