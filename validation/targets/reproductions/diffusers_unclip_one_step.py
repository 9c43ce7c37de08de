"""diffusers 0.42.1: `UnCLIPScheduler.set_timesteps(1)` divides by zero."""

from diffusers import UnCLIPScheduler

print("expected: one time")
try:
    scheduler = UnCLIPScheduler()
    scheduler.set_timesteps(1)
    print("observed:", scheduler.timesteps)
except ZeroDivisionError as error:
    print("observed: ZeroDivisionError:", error)
