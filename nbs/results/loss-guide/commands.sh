# Runs of the guide "Is my loss normal?": about half a minute of CPU time each.
# metrics.csv of the run NAME is kept as NAME.csv, without the time it took.
short="--view-size 32 --stages 1 --stride 4 --dim 64 --steps 300
    --workers 0 --threads 1 --checkpoint-every 1000"
python -m houghcl.train $short --out healthy
python -m houghcl.train $short --stabilise none --out lock-in
python -m houghcl.train $short --method same --out same
python -m houghcl.train $short --queue 8192 --out long-queue
python -m houghcl.train $short --bn plain --out plain-bn
python -m houghcl.train $short --bn-group 4 --no-shuffle --out leak-4
python -m houghcl.train $short --bn-group 2 --no-shuffle --out leak-2
python -m houghcl.train $short --lr 6 --out fast
python -m houghcl.train $short --weight-decay 1 --out collapse
python -m houghcl.retrieval --weights random healthy lock-in same long-queue plain-bn \
    leak-4 leak-2 fast collapse --data scenes --size 64 --train 200 --queries 100 \
    --memory 8000 --stages 1 --stride 4 --threads 1 --out scores.json
