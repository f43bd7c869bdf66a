/* collateral_house.h - the collateral that a house keeps, as `ward collateral show` and `refresh`
   print it. */
#ifndef WARD_CMD_COLLATERAL_HOUSE_H
#define WARD_CMD_COLLATERAL_HOUSE_H

#include "cmd/command.h"
#include "cmd/owner.h"
#include "model/api.h"

/* collateral_house_ask asks a house for it; as house_ask. */
MUST_USE
enum exit_code collateral_house_ask(struct invocation *in, const char *state,
                                    struct api_collateral_show_response *out,
                                    struct owner_reply *reply);

/* collateral_house_print writes it to stdout: the answer itself, or a line for each piece. */
MUST_USE
enum exit_code collateral_house_print(const struct invocation *in, bool json,
                                      const struct api_collateral_show_response *shown,
                                      const struct owner_reply *reply);

/* collateral_house_show does both, of the house that the settings' options name. */
MUST_USE
enum exit_code collateral_house_show(struct invocation *in, bool json);

#endif
