#include "fault.h"

#include <string.h>

#include "text.h"

namespace spindle_grpc {

std::string pointer_part(const std::string &key) {
    std::string part = "/";
    for (char c : key) {
        if (c == '~') part += "~0";
        else if (c == '/') part += "~1";
        else part += c;
    }
    return part;
}

std::string suggestion(const std::string &text, const std::vector<std::string> &names) {
    std::vector<const char *> list;
    for (const std::string &name : names) list.push_back(name.c_str());
    const char *near = nearest_name(text.data(), text.size(), list.data(), list.size());
    return near == nullptr ? "" : std::string("; did you mean \"") + near + "\"?";
}

void wipe(std::string &text) {
    if (!text.empty()) explicit_bzero(&text[0], text.size());
    text.clear();
}

} // namespace spindle_grpc
