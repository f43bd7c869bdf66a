/* gcra.c - see gcra.h. */
#include "admit/gcra.h"

#define WINDOW_END (UINT64_C(1) << GCRA_WINDOW_BITS)

bool gcra_rate_is_sound(const struct gcra_rate *rate)
{
    return rate->step > 0 && rate->scale > 0 && rate->scale <= GCRA_SCALE_MAX &&
           rate->window < WINDOW_END && rate->window >= rate->step &&
           rate->window % rate->step == 0;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

bool gcra_rate_of(uint32_t count, uint64_t period_us, uint32_t burst, struct gcra_rate *out)
{
    if (count == 0 || period_us == 0 || burst == 0)
        return false;
    uint64_t divisor = common_divisor(count, period_us);
    uint64_t scale = count / divisor, step = period_us / divisor;
    if (scale > GCRA_SCALE_MAX || step > (WINDOW_END - 1) / burst)
        return false;
    *out = (struct gcra_rate){ .step = step, .window = step * burst, .scale = (uint32_t)scale };
    return true;
}

struct gcra_answer gcra_charge(const struct gcra_rate *rate, uint64_t *ahead, uint32_t cost)
{
    uint64_t burst = rate->window / rate->step;
    uint64_t arrivals = cost == 0 ? 1 : cost < burst ? cost : burst;
    uint64_t charge = arrivals * rate->step; /* at most the window */
    if (*ahead <= rate->window - charge) {
        *ahead += charge;
        return (struct gcra_answer){ .allowed = true };
    }
    uint64_t over = *ahead - (rate->window - charge);
    return (struct gcra_answer){ .retry_us = over / rate->scale + (over % rate->scale > 0) };
}

uint64_t gcra_decay(const struct gcra_rate *rate, uint64_t ahead, uint64_t elapsed_us)
{
    if (elapsed_us > ahead / rate->scale)
        return 0;
    return ahead - elapsed_us * rate->scale;
}

bool gcra_is_sound(const struct gcra *gcra, const struct gcra_rate *rate)
{
    return gcra->ahead <= rate->window;
}

struct gcra_answer gcra_take(struct gcra *gcra, const struct gcra_rate *rate, uint32_t cost,
                             uint64_t now_us)
{
    if (now_us > gcra->at_us) {
        gcra->ahead = gcra_decay(rate, gcra->ahead, now_us - gcra->at_us);
        gcra->at_us = now_us;
    }
    return gcra_charge(rate, &gcra->ahead, cost);
}
