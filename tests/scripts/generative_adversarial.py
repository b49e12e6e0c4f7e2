"""Two networks against each other: points on a circle."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(10)

latent, batch = 4, 64

discriminator = keras.Sequential(
    [
        keras.Input(shape=(2,)),
        keras.layers.Dense(24),
        keras.layers.LeakyReLU(negative_slope=0.2),
        keras.layers.Dense(24),
        keras.layers.LeakyReLU(negative_slope=0.2),
        keras.layers.Dense(1),
    ],
    name="discriminator",
)
generator = keras.Sequential(
    [
        keras.Input(shape=(latent,)),
        keras.layers.Dense(24),
        keras.layers.LeakyReLU(negative_slope=0.2),
        keras.layers.Dense(24),
        keras.layers.LeakyReLU(negative_slope=0.2),
        keras.layers.Dense(2),
    ],
    name="generator",
)
loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)
discriminator.compile(
    optimizer=keras.optimizers.Adam(0.004, beta_1=0.5),
    loss=loss,
    metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
)

gan = keras.Sequential([generator, discriminator], name="gan")
gan.compile(optimizer=keras.optimizers.Adam(0.002, beta_1=0.5), loss=loss)

rng = np.random.default_rng(10)


def real(count):
    angle = rng.uniform(0, 2 * np.pi, count)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype("float32")


def noise(count):
    return rng.standard_normal((count, latent)).astype("float32")


def spread():
    points = generator.predict(noise(500), verbose=0)
    return float(np.mean(np.abs(np.linalg.norm(points, axis=1) - 1)))


before = spread()
for _ in range(300):
    fake = np.array(generator.predict_on_batch(noise(batch)))
    points = np.concatenate([real(batch), fake])
    labels = np.concatenate([np.ones((batch, 1)), np.zeros((batch, 1))])
    discriminator.trainable = True
    discriminator.train_on_batch(points, labels)

    discriminator.trainable = False
    assert len(gan.trainable_weights) == 6
    fixed = [np.array(w) for w in discriminator.get_weights()]
    gan.train_on_batch(noise(batch), np.ones((batch, 1)))
    assert all(np.array_equal(a, b) for a, b in zip(fixed, discriminator.get_weights()))
after = spread()
assert after < 0.6 * before, (before, after)
