#include "messages.h"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/json_util.h>
#include <jansson.h>

#include "fields.h"
#include "wire.h"

namespace spindle_grpc {

using namespace google::protobuf;

namespace {

// Refuses to grow over a limit: a small message can be very long as JSON.
class BoundedStream : public io::ZeroCopyOutputStream {
  public:
    BoundedStream(std::string &text, size_t most) : text_(text), most_(most) {}
    bool Next(void **data, int *size) override {
        size_t room = most_ - text_.size();
        if (room == 0) {
            is_full = true;
            return false;
        }
        size_t step = room < 8192 ? room : 8192;
        text_.resize(text_.size() + step);
        *data = &text_[text_.size() - step];
        *size = (int)step;
        return true;
    }
    void BackUp(int count) override { text_.resize(text_.size() - (size_t)count); }
    int64_t ByteCount() const override { return (int64_t)text_.size(); }
    bool is_full = false;

  private:
    std::string &text_;
    size_t most_;
};

bool wrong(Fault &fault, const std::string &message, const std::string &pointer = "") {
    return refuse(fault, "grpc.message", message, pointer);
}

bool encode_one(std::vector<std::string> &messages, const Schema &schema, const Descriptor &type, json_t *value,
                const std::string &pointer, bool has_secret, Fault &fault) {
    std::string bytes;
    if (!fields_check(value, type, pointer, fault)) return false;
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text == nullptr) return wrong(fault, "the message is not JSON");
    std::string json(text);
    explicit_bzero(text, json.size());
    free(text);
    auto status = util::JsonToBinaryString(schema.resolver(), Schema::type_url(&type), json, &bytes);
    wipe(json);
    if (!status.ok()) {
        // The library quotes what it does not like.
        std::string why = has_secret ? "a value is not of its field's type" : status.message().ToString().substr(0, 400);
        return wrong(fault, "the message does not fit " + type.full_name() + ": " + why, pointer);
    }
    messages.push_back(std::move(bytes));
    return true;
}

bool encode_value(std::vector<std::string> &messages, const Schema &schema, const MethodDescriptor &method, json_t *value,
                  bool has_secret, Fault &fault) {
    if (!method.client_streaming()) return encode_one(messages, schema, *method.input_type(), value, "", has_secret, fault);
    if (!json_is_array(value)) {
        return wrong(fault, method.full_name() + " takes a stream of messages: give a JSON array of them as payload");
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!encode_one(messages, schema, *method.input_type(), json_array_get(value, i), "/" + std::to_string(i),
                        has_secret, fault)) {
            return false;
        }
    }
    return true;
}

} // namespace

bool messages_encode(std::vector<std::string> &messages, const Schema &schema, const MethodDescriptor &method,
                     const Request &request, spindle_str payload, Fault &fault) {
    json_t *value = nullptr;
    bool has_secret = false;
    for (const Field &field : request.fields) has_secret = has_secret || field.is_secret;
    if (payload.len > 0) {
        json_error_t error;
        value = json_loadb(payload.ptr, payload.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        if (value == nullptr) {
            return wrong(fault, "the payload is not JSON: " + std::string(error.text) + " (line " + std::to_string(error.line) +
                                    ", column " + std::to_string(error.column) + ")");
        }
    } else if (!fields_build(value, *method.input_type(), request.fields, fault)) {
        return false;
    } else if (method.client_streaming()) {
        json_t *list = json_array();
        // Fields make one message; without any, the stream is empty.
        if (!request.fields.empty()) json_array_append(list, value);
        json_decref(value);
        value = list;
    }
    bool encoded = encode_value(messages, schema, method, value, has_secret, fault);
    fields_wipe(value);
    json_decref(value);
    return encoded;
}

Decoded message_decode(std::string &json, const Schema &schema, const Descriptor &type, const std::string &bytes,
                       bool emit_defaults, size_t most, std::string &why) {
    util::JsonPrintOptions options;
    // What makes the JSON passes over damage and over text that is not UTF-8.
    if (!wire_check(type, bytes, why)) return Decoded::malformed;
    io::ArrayInputStream input(bytes.data(), (int)bytes.size());
    BoundedStream output(json, most);
    options.always_print_primitive_fields = emit_defaults;
    auto status = util::BinaryToJsonStream(schema.resolver(), Schema::type_url(&type), &input, &output, options);
    if (output.is_full) return Decoded::too_large;
    if (status.ok()) return Decoded::ok;
    why = status.message().ToString();
    return Decoded::malformed;
}

} // namespace spindle_grpc
