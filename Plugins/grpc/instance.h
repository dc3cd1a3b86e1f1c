// What an operator configured, with its connections and its thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "channels.h"
#include "config.h"
#include "loop.h"

namespace spindle_grpc {

struct KnownSchema {
    std::shared_ptr<const Schema> schema;
    int64_t fetched_ns;
};

struct Instance {
    Config config;
    Channels channels{config};
    Loop loop;

    // The loop's thread alone, by origin and service.
    std::map<std::string, KnownSchema> schemas;
    std::map<std::string, std::unique_ptr<Reflection>> reflections; // that somebody waits for
    std::map<Reflection *, std::unique_ptr<Reflection>> fading;     // cancelled, not yet ended
};

} // namespace spindle_grpc
