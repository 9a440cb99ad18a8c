/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a compiler made of common/mbx/layout.h, as data: compiled, not run, by
 * tests/layout.sh, which compares the bytes between compilers and with the
 * tables in common/LAYOUT.md. Every field and constant of the header is listed
 * here; the script notices one that is not.
 */
#include <mbx/channel.h>
#include <mbx/layout.h>
#include <mbx/slots.h>

#include <stddef.h>

/* 48 bytes, so that the records lie side by side for every compiler. */
struct fact {
	char owner[16]; /* struct; "" for a constant */
	char name[24];	/* field; "" for the struct as a whole */
	uint32_t value; /* offset, or the constant */
	uint32_t bytes;
};

/* clang-format off */
#define STRUCT(s) { #s, "", 0, sizeof(struct s) }
#define FIELD(s, f) { #s, #f, offsetof(struct s, f), sizeof(((struct s *)0)->f) }
#define CONSTANT(c) { "", #c, (uint32_t)(c), 0 }
/* clang-format on */

__attribute__((section(".mbx_facts"),
	       used)) static const struct fact facts[] = {
	STRUCT(mbx_super),
	FIELD(mbx_super, magic),
	FIELD(mbx_super, version),
	FIELD(mbx_super, region_bytes),
	FIELD(mbx_super, instance),
	FIELD(mbx_super, layout_hash),
	FIELD(mbx_super, channels),
	FIELD(mbx_super, line_bytes),
	FIELD(mbx_super, section_align),
	FIELD(mbx_super, host_off),
	FIELD(mbx_super, remote_off),
	FIELD(mbx_super, directory_off),
	FIELD(mbx_super, text_off),
	FIELD(mbx_super, end_off),
	FIELD(mbx_super, formatter),
	FIELD(mbx_super, reserved),
	FIELD(mbx_super, check),

	STRUCT(mbx_dir_stream),
	FIELD(mbx_dir_stream, max_bytes),
	FIELD(mbx_dir_stream, bytes),
	FIELD(mbx_dir_stream, data_off),
	FIELD(mbx_dir_stream, read_off),

	STRUCT(mbx_dir_entry),
	FIELD(mbx_dir_entry, name),
	FIELD(mbx_dir_entry, kind),
	FIELD(mbx_dir_entry, type_hash),
	FIELD(mbx_dir_entry, type_off),
	FIELD(mbx_dir_entry, slots),
	FIELD(mbx_dir_entry, fwd),
	FIELD(mbx_dir_entry, back),

	STRUCT(mbx_side_block),
	FIELD(mbx_side_block, state),
	FIELD(mbx_side_block, session),
	FIELD(mbx_side_block, ack),
	FIELD(mbx_side_block, beat),
	FIELD(mbx_side_block, time_us),
	FIELD(mbx_side_block, instance),
	FIELD(mbx_side_block, layout_hash),
	FIELD(mbx_side_block, code_version),
	FIELD(mbx_side_block, boot_reason),
	FIELD(mbx_side_block, wakeup),
	FIELD(mbx_side_block, owner),
	FIELD(mbx_side_block, reserved),

	STRUCT(mbx_tx_block),
	FIELD(mbx_tx_block, full),
	FIELD(mbx_tx_block, owner),

	STRUCT(mbx_rx_block),
	FIELD(mbx_rx_block, read),
	FIELD(mbx_rx_block, wait),
	FIELD(mbx_rx_block, owner),

	STRUCT(mbx_slots_block),
	FIELD(mbx_slots_block, begin),
	FIELD(mbx_slots_block, end),
	FIELD(mbx_slots_block, owner),

	STRUCT(mbx_slot),
	FIELD(mbx_slot, stamp_us),
	FIELD(mbx_slot, info),

	STRUCT(mbx_call_head),
	FIELD(mbx_call_head, id),
	FIELD(mbx_call_head, arg),

	CONSTANT(MBX_MAGIC),
	CONSTANT(MBX_LAYOUT_MAJOR),
	CONSTANT(MBX_LAYOUT_MINOR),
	CONSTANT(MBX_LAYOUT_VERSION),
	CONSTANT(MBX_HDR_MSG),
	CONSTANT(MBX_HDR_PAD),
	CONSTANT(MBX_SLOT_WRITTEN),
	CONSTANT(MBX_SLOT_LEVEL_SHIFT),
	CONSTANT(MBX_SLOT_BYTES_MASK),
	CONSTANT(MBX_SIDE_DOWN),
	CONSTANT(MBX_SIDE_ATTACHING),
	CONSTANT(MBX_SIDE_UP),
	CONSTANT(MBX_SIDE_INCOMPATIBLE),
	CONSTANT(MBX_WAKE_POLL),
	CONSTANT(MBX_WAKE_DOORBELL),
	CONSTANT(MBX_WAKE_FUTEX),

	CONSTANT(MBX_HOST),
	CONSTANT(MBX_REMOTE),
	CONSTANT(MBX_H2R),
	CONSTANT(MBX_R2H),
	CONSTANT(MBX_KIND_QUEUE),
	CONSTANT(MBX_KIND_STATE),
	CONSTANT(MBX_KIND_LOG),
	CONSTANT(MBX_KIND_CALL),
	CONSTANT(MBX_FAIL),
	CONSTANT(MBX_DROP),
	CONSTANT(MBX_BLOCK),
	CONSTANT(MBX_OVERWRITE),
	CONSTANT(MBX_NAME_BYTES),
	CONSTANT(MBX_MAX_CHANNELS),
	CONSTANT(MBX_MAX_MESSAGE),
	CONSTANT(MBX_MAX_REGION),
	CONSTANT(MBX_LOG_ERROR),
	CONSTANT(MBX_LOG_WARNING),
	CONSTANT(MBX_LOG_INFO),
	CONSTANT(MBX_LOG_DEBUG),
};
