"""A variational autoencoder: sampling in a layer, and its own loss and metrics."""

import numpy as np

import kerasnb as keras

keras.utils.set_random_seed(9)

size, latent = 12, 2


class Sampling(keras.layers.Layer):
    """A point drawn from the distribution that the encoder gives."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(9)

    def call(self, inputs):
        mean, log_variance = inputs
        batch, dimensions = keras.ops.shape(mean)[0], keras.ops.shape(mean)[1]
        noise = keras.random.normal(shape=(batch, dimensions), seed=self.seed_generator)
        return mean + keras.ops.exp(0.5 * log_variance) * noise


image = keras.Input(shape=(size, size, 1))
x = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(image)
x = keras.layers.Dense(16, activation="relu")(keras.layers.Flatten()(x))
z_mean = keras.layers.Dense(latent, name="z_mean")(x)
z_log_variance = keras.layers.Dense(latent, name="z_log_variance")(x)
z = Sampling()([z_mean, z_log_variance])
encoder = keras.Model(image, [z_mean, z_log_variance, z], name="encoder")

point = keras.Input(shape=(latent,))
x = keras.layers.Dense(6 * 6 * 4, activation="relu")(point)
x = keras.layers.Reshape((6, 6, 4))(x)
x = keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(x)
drawn = keras.layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(x)
decoder = keras.Model(point, drawn, name="decoder")


class VAE(keras.Model):
    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.reconstruction_tracker = keras.metrics.Mean(name="reconstruction")
        self.kl_tracker = keras.metrics.Mean(name="kl")

    def call(self, inputs):
        mean, log_variance, z = self.encoder(inputs)
        return {"image": self.decoder(z), "mean": mean, "log_variance": log_variance}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        wrong = keras.losses.binary_crossentropy(y, y_pred["image"])
        reconstruction = keras.ops.mean(keras.ops.sum(wrong, axis=(1, 2)))
        mean, log_variance = y_pred["mean"], y_pred["log_variance"]
        kl = -0.5 * (1 + log_variance - keras.ops.square(mean) - keras.ops.exp(log_variance))
        kl = keras.ops.mean(keras.ops.sum(kl, axis=1))
        self.reconstruction_tracker.update_state(reconstruction)
        self.kl_tracker.update_state(kl)
        return reconstruction + kl


rng = np.random.default_rng(9)
images = np.zeros((256, size, size, 1), "float32")
for one, left in zip(images, rng.integers(0, size - 4, 256)):
    one[2:10, left : left + 4] = 1.0  # a bar somewhere

vae = VAE(encoder, decoder)
vae.compile(optimizer=keras.optimizers.Adam(0.01))
history = vae.fit(images, images, epochs=20, batch_size=32, verbose=0).history
assert history["reconstruction"][-1] < 0.5 * history["reconstruction"][0], history
assert history["kl"][-1] > 0.1, "the code says nothing"

grid = keras.ops.stack([keras.ops.zeros(5), keras.ops.cast(keras.ops.arange(5), "float32")], axis=1)
drawn = decoder.predict(keras.ops.convert_to_numpy(grid), verbose=0)
assert drawn.shape == (5, size, size, 1)
assert 0 <= drawn.min() <= drawn.max() <= 1
