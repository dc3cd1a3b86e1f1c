// The configuration of an instance.
#pragma once

#include <spindle/executor.h>

#include <memory>
#include <string>
#include <vector>

#include "address.h"
#include "fault.h"

namespace spindle_grpc {

class Schema;

struct Config {
    address_policy policy{}; // its list is `allow`
    std::vector<address_range> allow;

    bool tls_required = false;
    std::string roots; // PEM; empty = the system's
    std::string certificate, key; // PEM, the client's; both or none
    std::string server_name; // empty = the target's host

    std::shared_ptr<const Schema> descriptors; // from the file; NULL without one
    bool reflection = true;
    int64_t descriptors_age_ms = 300000;

    int64_t max_message_bytes = 4 << 20;
    int64_t max_artefact_bytes = 64 << 20;
    int64_t connect_timeout_ms = 10000;
    int64_t keepalive_ms = 300000; // 0 = off

    Config() = default;
    Config(const Config &) = delete;
    ~Config();
};

extern const char config_schema[];

bool config_read(Config &config, const spindle_instance_config &source, Fault &fault);

} // namespace spindle_grpc
