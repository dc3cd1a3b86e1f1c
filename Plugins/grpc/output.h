// The response as it comes: kept for the output, and over its limit as the artefact "response".
#pragma once

#include <spindle/executor.h>

#include <string>

namespace spindle_grpc {

class Output {
  public:
    enum class Step {
        taken,
        no_room, // the host's queue is full: `flush` when there is room
        refused  // the host does not keep artefacts, or not this one
    };
    explicit Output(const spindle_request &request) : request_(request) {}
    void set_limit(int64_t limit) { limit_ = (size_t)limit; }

    Step add(const std::string &piece);
    Step flush();
    Step end(); // the artefact is whole

    const std::string &text() const { return text_; } // whole pieces, as many as fit
    bool has_artefact() const { return has_artefact_; }
    int64_t bytes() const { return bytes_; }

  private:
    Step write(spindle_str bytes, uint32_t flags);

    const spindle_request &request_;
    size_t limit_ = SPINDLE_MAX_OUTPUT_BYTES;
    std::string text_, pending_;
    size_t written_ = 0; // of pending_
    bool has_artefact_ = false;
    int64_t bytes_ = 0;
};

} // namespace spindle_grpc
