#include "wire.h"

#include <google/protobuf/io/coded_stream.h>

#include <set>

#include "text.h"

namespace spindle_grpc {

using namespace google::protobuf;

namespace {

constexpr int deepest = 100; // protobuf's own limit

enum WireType { varint = 0, fixed64 = 1, length_delimited = 2, group = 3, end_group = 4, fixed32 = 5 };

class Walk {
  public:
    Walk(io::CodedInputStream &input, std::string &why) : input_(input), why_(why) {}

    // Until the end of the input's limit, or, of a group, until its end.
    bool message(const Descriptor *type, uint32_t group_number, int depth) {
        std::set<const FieldDescriptor *> seen;
        if (depth > deepest) return wrong("it is nested deeper than 100");
        for (;;) {
            uint32_t tag = input_.ReadTag();
            if (tag == 0) return group_number == 0 && input_.ConsumedEntireMessage() && required(type, seen);
            uint32_t number = tag >> 3;
            const FieldDescriptor *field = type == nullptr ? nullptr : type->FindFieldByNumber((int)number);
            if (number == 0) return false;
            if ((tag & 7) == end_group) return number == group_number && required(type, seen);
            if (field != nullptr && field->is_required()) seen.insert(field);
            if (!value(field, number, (WireType)(tag & 7), depth)) return false;
        }
    }

  private:
    bool wrong(const std::string &why) {
        if (why_.empty()) why_ = why;
        return false;
    }

    bool required(const Descriptor *type, const std::set<const FieldDescriptor *> &seen) {
        for (int i = 0; type != nullptr && i < type->field_count(); i++) {
            const FieldDescriptor *field = type->field(i);
            if (field->is_required() && seen.count(field) == 0) return wrong(field->name() + " is required and missing");
        }
        return true;
    }

    bool value(const FieldDescriptor *field, uint32_t number, WireType wire_type, int depth) {
        uint64_t wide;
        uint32_t narrow;
        switch (wire_type) {
        case varint: return input_.ReadVarint64(&wide);
        case fixed64: return input_.ReadLittleEndian64(&wide);
        case fixed32: return input_.ReadLittleEndian32(&narrow);
        case group:
            return message(field != nullptr && field->type() == FieldDescriptor::TYPE_GROUP ? field->message_type() : nullptr, number,
                           depth + 1);
        case length_delimited: return delimited(field, depth);
        default: return false;
        }
    }

    bool delimited(const FieldDescriptor *field, int depth) {
        uint32_t length;
        if (!input_.ReadVarint32(&length) || length > (uint32_t)INT32_MAX || (int)length > input_.BytesUntilLimit()) return false;
        if (field != nullptr && field->type() == FieldDescriptor::TYPE_MESSAGE) {
            auto outer = input_.PushLimit((int)length);
            bool good = message(field->message_type(), 0, depth + 1);
            input_.PopLimit(outer);
            return good;
        }
        bool is_text = field != nullptr && field->type() == FieldDescriptor::TYPE_STRING &&
                       field->file()->syntax() == FileDescriptor::SYNTAX_PROTO3;
        if (!is_text) return input_.Skip((int)length);
        const void *data = nullptr;
        int size = 0;
        if (length == 0) return true;
        // The input is one array: what is ahead is there in one piece.
        if (!input_.GetDirectBufferPointer(&data, &size) || size < (int)length) return false;
        for (size_t at = 0; at < length;) {
            size_t step = utf8_length((const char *)data + at, length - at);
            if (step == 0) return wrong(field->name() + " is not UTF-8");
            at += step;
        }
        return input_.Skip((int)length);
    }

    io::CodedInputStream &input_;
    std::string &why_;
};

} // namespace

bool wire_check(const Descriptor &type, const std::string &bytes, std::string &why) {
    io::CodedInputStream input((const uint8_t *)bytes.data(), (int)bytes.size());
    auto limit = input.PushLimit((int)bytes.size());
    bool good = Walk(input, why).message(&type, 0, 0);
    input.PopLimit(limit);
    if (!good && why.empty()) why = "it is damaged, or these are not its descriptors";
    return good;
}

} // namespace spindle_grpc
