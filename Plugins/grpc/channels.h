// Connections to servers, kept for later calls.
#pragma once

#include <grpcpp/channel.h>

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "config.h"
#include "target.h"

namespace spindle_grpc {

// Belongs to an instance: a connection that one instance's policy allowed is never reused by another's calls.
class Channels {
  public:
    explicit Channels(const Config &config) : config_(config) {}

    // To these addresses and no others; the server's name stays the target's.
    std::shared_ptr<grpc::Channel> get(const Target &target, std::vector<address> addresses);
    // It could not connect. A new one tries at once, where this one would wait for its next attempt and fail all until then.
    void drop(const std::shared_ptr<grpc::Channel> &channel);

  private:
    static constexpr size_t most = 64;
    struct Entry {
        std::string key;
        std::shared_ptr<grpc::Channel> channel;
    };
    const Config &config_;
    std::list<Entry> entries_; // the last used one first
};

} // namespace spindle_grpc
