#include "output.h"

namespace spindle_grpc {

Output::Step Output::write(spindle_str bytes, uint32_t flags) {
    if (!SPINDLE_OFFERS(request_.host, artefact_write)) return Step::refused;
    spindle_status status = request_.host->artefact_write(request_.ctx, request_.handle, SPINDLE_STR("response"), bytes, flags);
    if (status == SPINDLE_AGAIN) return Step::no_room;
    return status < 0 ? Step::refused : Step::taken;
}

Output::Step Output::add(const std::string &piece) {
    bytes_ += (int64_t)piece.size();
    if (!has_artefact_ && text_.size() + piece.size() <= limit_) {
        text_ += piece;
        return Step::taken;
    }
    if (!has_artefact_) pending_ = text_; // the artefact has all of it
    has_artefact_ = true;
    pending_ += piece;
    return flush();
}

Output::Step Output::flush() {
    while (written_ < pending_.size()) {
        size_t step = pending_.size() - written_;
        if (step > SPINDLE_MAX_ARTEFACT_CHUNK_BYTES) step = SPINDLE_MAX_ARTEFACT_CHUNK_BYTES;
        Step taken = write(spindle_str_make(pending_.data() + written_, step), 0);
        if (taken != Step::taken) return taken;
        written_ += step;
    }
    pending_.clear();
    written_ = 0;
    return Step::taken;
}

Output::Step Output::end() {
    Step flushed = flush();
    return flushed == Step::taken ? write(spindle_str_make(nullptr, 0), SPINDLE_ARTEFACT_LAST) : flushed;
}

} // namespace spindle_grpc
