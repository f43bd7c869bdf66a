/* tee.h - what vouches for this house, in one place for all who must say it: the certificate,
   the metric, the records, the commands.  There is no hardware behind it: a device comes with
   another value here, and with the code that asks it. */
#ifndef WARD_MODEL_TEE_H
#define WARD_MODEL_TEE_H

enum { TEE_IS_HARDWARE = 0 };

#define TEE_MARK "SIMULATED TEE"

#endif
